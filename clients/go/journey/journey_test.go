package journey

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	rolecall "github.com/rolecall/rolecall/clients/go"
	identityv1 "github.com/rolecall/rolecall/clients/go/rolecall/identity/v1"
	organizationv1 "github.com/rolecall/rolecall/clients/go/rolecall/organization/v1"
)

const password = "dusty otter keeps 7 lanterns"

func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv("ROLECALL_" + name)
	if value == "" {
		t.Fatalf("set ROLECALL_%s, as the end-to-end tests in tests/ do", name)
	}
	return strings.TrimPrefix(value, "http://")
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func wantReason(t *testing.T, err error, want rolecall.Reason) {
	t.Helper()
	if rolecall.ReasonOf(err) != want {
		t.Fatalf("want %q, got %v", want, err)
	}
}

// soon repeats until it holds: another process obeys a change within seconds.
func soon(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true within five seconds")
		}
	}
}

// world is the server as the test reaches it.
type world struct {
	t         *testing.T
	anonymous *grpc.ClientConn
}

// person is one caller with a connection to each service.
type person struct {
	identity, organization *grpc.ClientConn
}

func (w world) dial(service string, options ...rolecall.Option) *grpc.ClientConn {
	conn, err := rolecall.Dial(setting(w.t, service), append(options, rolecall.WithPlaintext())...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (w world) with(source rolecall.TokenSource) person {
	return person{
		identity:     w.dial("IDENTITY", rolecall.WithTokenSource(source)),
		organization: w.dial("ORGANIZATION", rolecall.WithTokenSource(source)),
	}
}

func (w world) logIn(ctx context.Context, email string) person {
	w.t.Helper()
	return w.with(must[*rolecall.Session](w.t)(rolecall.LogIn(ctx, w.anonymous, email, password)))
}

var code = regexp.MustCompile(`rci_[A-Za-z0-9_-]{43}`)

// unfold undoes what quoted-printable does to a code.
var unfold = strings.NewReplacer("=\r\n", "", "=\n", "", "=5F", "_")

// codeFor waits for the mail to an address and returns the code in it.
func (w world) codeFor(email string) (found string) {
	w.t.Helper()
	folder := setting(w.t, "MAIL_FOLDER")
	deadline := time.Now().Add(30 * time.Second)
	for found == "" {
		files, _ := filepath.Glob(filepath.Join(folder, "*.eml"))
		for _, file := range files {
			mail, _ := os.ReadFile(file)
			if text := unfold.Replace(string(mail)); strings.Contains(text, email) {
				found = code.FindString(text)
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("no invitation for %s arrived in %s", email, folder)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return found
}

func (w world) accept(ctx context.Context, email string) {
	w.t.Helper()
	registration := identityv1.NewRegistrationServiceClient(w.anonymous)
	code := w.codeFor(email)
	invitation, err := registration.GetInvitation(ctx, &identityv1.GetInvitationRequest{Code: code})
	if err != nil || invitation.GetEmail() != email {
		w.t.Fatalf("got %v, %v", invitation, err)
	}
	request := &identityv1.AcceptInvitationRequest{Code: code, Password: password, PasswordConfirmation: password}
	must[*identityv1.AcceptInvitationResponse](w.t)(registration.AcceptInvitation(ctx, request))
}

func (w world) bootstrap(ctx context.Context) person {
	w.t.Helper()
	instance := identityv1.NewInstanceServiceClient(w.anonymous)
	request := &identityv1.BootstrapRequest{
		SetupSecret: "rcs_" + strings.Repeat("A", 43), OrganizationName: "Home", Email: "ada@home.example",
		GivenName: "Ada", FamilyName: "Admin", Password: password,
		MfaPolicy: identityv1.MfaPolicy_MFA_POLICY_OPTIONAL,
	}
	_, err := instance.Bootstrap(ctx, request)
	wantReason(w.t, err, rolecall.IdentitySetupSecretRefused)
	request.SetupSecret = setting(w.t, "SETUP_SECRET")
	must[*identityv1.BootstrapResponse](w.t)(instance.Bootstrap(ctx, request))
	_, err = instance.Bootstrap(ctx, request)
	wantReason(w.t, err, rolecall.IdentityAlreadyBootstrapped)
	return w.logIn(ctx, "ada@home.example")
}

func (w world) makeOwner(ctx context.Context, admin person) person {
	w.t.Helper()
	request := &organizationv1.CreateOrganizationRequest{
		Name:       "Lab",
		FirstOwner: &organizationv1.FirstOwner{Email: "olga@lab.example", GivenName: "Olga", FamilyName: "Owner"},
		MfaPolicy:  organizationv1.MfaPolicy_MFA_POLICY_OPTIONAL,
	}
	organizations := organizationv1.NewOrganizationServiceClient(admin.organization)
	must[*organizationv1.CreateOrganizationResponse](w.t)(organizations.CreateOrganization(ctx, request))
	w.accept(ctx, "olga@lab.example")
	return w.logIn(ctx, "olga@lab.example")
}

func (w world) makePerson(ctx context.Context, owner person) (*identityv1.User, person) {
	w.t.Helper()
	users := identityv1.NewUserServiceClient(owner.identity)
	_, err := users.CreateUser(ctx, &identityv1.CreateUserRequest{Email: "nobody"})
	wantReason(w.t, err, rolecall.IdentityRequestInvalid)
	if len(rolecall.ViolationsOf(err)) < 2 {
		w.t.Fatalf("all violations come at once, but these came: %v", rolecall.ViolationsOf(err))
	}
	request := &identityv1.CreateUserRequest{
		Email: "pat@lab.example", GivenName: "Pat", FamilyName: "Person",
		Roles: []string{"DATA_SCIENTIST", "DATA_STEWARD"},
	}
	user := must[*identityv1.CreateUserResponse](w.t)(users.CreateUser(ctx, request)).GetUser()
	_, err = users.CreateUser(ctx, request)
	wantReason(w.t, err, rolecall.IdentityEmailTaken)
	w.accept(ctx, "pat@lab.example")
	return user, w.logIn(ctx, "pat@lab.example")
}

func (w world) backendIsTold(ctx context.Context, admin person, user *identityv1.User) {
	w.t.Helper()
	accounts := identityv1.NewServiceAccountServiceClient(admin.identity)
	account := must[*identityv1.CreateServiceAccountResponse](w.t)(accounts.CreateServiceAccount(ctx,
		&identityv1.CreateServiceAccountRequest{
			OrganizationId: "-", Name: "Data platform", Permissions: []string{"organization.access.check"},
		}))
	key := must[*identityv1.CreateApiKeyResponse](w.t)(accounts.CreateApiKey(ctx, &identityv1.CreateApiKeyRequest{
		ServiceAccountId: account.GetServiceAccount().GetServiceAccountId(),
	}))
	backend := w.with(rolecall.NewAPIKey(w.anonymous, key.GetSecret()))
	question := &organizationv1.CheckAccessRequest{
		SubjectId: user.GetUserId(), Permission: "organization.datasets.register",
		Resource: &organizationv1.Resource{
			Resource: &organizationv1.Resource_OrganizationId{OrganizationId: user.GetOrganizationId()},
		},
	}
	access := organizationv1.NewAccessServiceClient(backend.organization)
	answer := must[*organizationv1.CheckAccessResponse](w.t)(access.CheckAccess(ctx, question))
	if answer.GetReason() != organizationv1.AccessReason_ACCESS_REASON_ROLE_HOLDS_PERMISSION || !answer.GetAllowed() {
		w.t.Fatalf("got %v", answer)
	}
}

func (w world) changesAreObeyed(ctx context.Context, owner, pat person, id string) {
	w.t.Helper()
	_, err := identityv1.NewUserServiceClient(pat.identity).ListUsers(ctx, &identityv1.ListUsersRequest{})
	wantReason(w.t, err, rolecall.AuthzPermissionMissing)

	members := organizationv1.NewMemberServiceClient(owner.organization)
	roles := &organizationv1.UpdateMemberRolesRequest{UserId: id, Roles: []string{"GUEST"}}
	must[*organizationv1.UpdateMemberRolesResponse](w.t)(members.UpdateMemberRoles(ctx, roles))
	access := organizationv1.NewAccessServiceClient(pat.organization)
	mine := must[*organizationv1.GetMyAccessResponse](w.t)(access.GetMyAccess(ctx, &organizationv1.GetMyAccessRequest{}))
	if !slices.Equal(mine.GetRoles(), []string{"GUEST"}) {
		w.t.Fatalf("got roles %v", mine.GetRoles())
	}

	block := &organizationv1.BlockMemberRequest{UserId: id, Reason: "Left"}
	must[*organizationv1.BlockMemberResponse](w.t)(members.BlockMember(ctx, block))
	soon(w.t, func() bool {
		_, err := identityv1.NewAccountServiceClient(pat.identity).GetAccount(ctx, &identityv1.GetAccountRequest{})
		reason := rolecall.ReasonOf(err) // the sessions of a blocked person end a moment later
		return reason == rolecall.AuthzSubjectInactive || reason == rolecall.AuthzSessionEnded
	})
	_, err = rolecall.LogIn(ctx, w.anonymous, "pat@lab.example", password)
	wantReason(w.t, err, rolecall.IdentityCredentialsRefused)

	unblock := &organizationv1.UnblockMemberRequest{UserId: id}
	must[*organizationv1.UnblockMemberResponse](w.t)(members.UnblockMember(ctx, unblock))
	w.logIn(ctx, "pat@lab.example")
}

func TestJourneyThroughTheGoClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := world{t: t}
	w.anonymous = w.dial("IDENTITY")

	admin := w.bootstrap(ctx)
	owner := w.makeOwner(ctx, admin)
	user, pat := w.makePerson(ctx, owner)
	w.backendIsTold(ctx, admin, user)
	w.changesAreObeyed(ctx, owner, pat, user.GetUserId())

	audit := organizationv1.NewAuditServiceClient(owner.organization)
	soon(t, func() bool {
		request := &organizationv1.ListAuditEventsRequest{PageSize: 1000}
		answer := must[*organizationv1.ListAuditEventsResponse](t)(audit.ListAuditEvents(ctx, request))
		return slices.ContainsFunc(answer.GetAuditEvents(), func(event *organizationv1.AuditEvent) bool {
			return event.GetTopic() == "organization.member_unblocked"
		})
	})
}
