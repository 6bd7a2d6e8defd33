package rolecall

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "github.com/rolecall/rolecall/clients/go/rolecall/identity/v1"
)

// fake answers what its fields say, and writes down what it was asked.
type fake struct {
	identityv1.UnimplementedAuthenticationServiceServer
	identityv1.UnimplementedUserServiceServer

	life     time.Duration
	refresh  error
	failures atomic.Int32 // how many calls get UNAVAILABLE first

	mu         sync.Mutex
	refreshed  int
	calls      int
	requestIDs []string
	tokens     []string
}

func (f *fake) issue(access, refresh string) *identityv1.Tokens {
	return &identityv1.Tokens{
		AccessToken: access, RefreshToken: refresh, AccessTokenExpireTime: timestamppb.New(time.Now().Add(f.life)),
	}
}

func (f *fake) LogIn(_ context.Context, request *identityv1.LogInRequest) (*identityv1.LogInResponse, error) {
	f.mu.Lock()
	f.calls++
	f.mu.Unlock()
	if f.failures.Add(-1) >= 0 {
		return nil, status.Error(codes.Unavailable, "starting")
	}
	if request.GetPassword() != "right" {
		return nil, refusal(codes.Unauthenticated, "CREDENTIALS_REFUSED")
	}
	tokens := f.issue("first", "refresh-1")
	return &identityv1.LogInResponse{Outcome: &identityv1.LogInResponse_Tokens{Tokens: tokens}}, nil
}

func (f *fake) RefreshTokens(
	_ context.Context, request *identityv1.RefreshTokensRequest,
) (*identityv1.RefreshTokensResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refreshed++
	if f.refresh != nil {
		return nil, f.refresh
	}
	f.life = time.Hour
	return &identityv1.RefreshTokensResponse{Tokens: f.issue("after-"+request.GetRefreshToken(), "refresh-2")}, nil
}

func (f *fake) CreateUser(
	ctx context.Context, request *identityv1.CreateUserRequest,
) (*identityv1.CreateUserResponse, error) {
	f.mu.Lock()
	f.requestIDs = append(f.requestIDs, request.GetRequestId())
	headers, _ := metadata.FromIncomingContext(ctx)
	f.tokens = append(f.tokens, headers.Get("authorization")...)
	f.mu.Unlock()
	if f.failures.Add(-1) >= 0 {
		return nil, status.Error(codes.Unavailable, "starting")
	}
	return nil, refusal(codes.InvalidArgument, "REQUEST_INVALID", &errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "email", Reason: "EMPTY", Description: "Give an address."},
			{Field: "roles", Reason: "UNKNOWN", Description: "Give a known role."},
		},
	})
}

func refusal(code codes.Code, reason string, details ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Domain: "identity.rolecall", Reason: reason, Metadata: map[string]string{"k": "v"}}
	id := &errdetails.RequestInfo{RequestId: "request-7"}
	refused, err := status.New(code, "refused").WithDetails(append(details, info, id)...)
	if err != nil {
		return err
	}
	return refused.Err()
}

// serve starts the fake and returns a way to connect to it.
func serve(t *testing.T, f *fake) func(...Option) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(grpc.Creds(insecure.NewCredentials()))
	identityv1.RegisterAuthenticationServiceServer(server, f)
	identityv1.RegisterUserServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	dialer := grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return listener.DialContext(ctx)
	})
	return func(options ...Option) *grpc.ClientConn {
		options = append(options, WithPlaintext(), WithGRPC(dialer))
		conn, err := Dial("passthrough:///fake", options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

func TestCallCarriesTheTokenOfTheSession(t *testing.T) {
	f := &fake{life: time.Hour}
	connect := serve(t, f)
	session, err := LogIn(t.Context(), connect(), "ada@example.org", "right")
	if err != nil {
		t.Fatal(err)
	}
	users := identityv1.NewUserServiceClient(connect(WithTokenSource(session)))
	_, err = users.CreateUser(t.Context(), &identityv1.CreateUserRequest{})
	if status.Code(err) != codes.InvalidArgument || len(f.tokens) != 1 || f.tokens[0] != "Bearer first" {
		t.Fatalf("got %v with tokens %q", err, f.tokens)
	}
}

func TestTokenIsReplacedOnceBeforeItEnds(t *testing.T) {
	f := &fake{life: 5 * time.Second}
	session, err := LogIn(t.Context(), serve(t, f)(), "ada@example.org", "right")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if token, err := session.Token(t.Context()); err != nil || token != "after-refresh-1" {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
	group.Wait()
	if f.refreshed != 1 || session.Tokens().GetRefreshToken() != "refresh-2" {
		t.Fatalf("refreshed %d times, now %q", f.refreshed, session.Tokens().GetRefreshToken())
	}
}

func TestOldTokenServesWhileTheServerIsAwayButNotAfterItEndedOrWasRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		life   time.Duration
		err    error
		serves bool
	}{
		{"away", 10 * time.Second, status.Error(codes.Unavailable, "away"), true},
		{"away and ended", -time.Second, status.Error(codes.Unavailable, "away"), false},
		{"refused", 10 * time.Second, refusal(codes.Unauthenticated, "REFRESH_TOKEN_REFUSED"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{life: c.life, refresh: c.err}
			session, err := LogIn(t.Context(), serve(t, f)(), "ada@example.org", "right")
			if err != nil {
				t.Fatal(err)
			}
			if _, err = session.Token(t.Context()); (err == nil) != c.serves {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestRepeatableCallIsRetriedUnderOneName(t *testing.T) {
	f := &fake{life: time.Hour}
	f.failures.Store(2)
	users := identityv1.NewUserServiceClient(serve(t, f)())
	request := &identityv1.CreateUserRequest{Email: "bob@example.org"}
	_, err := users.CreateUser(t.Context(), request)
	if status.Code(err) != codes.InvalidArgument {
		t.Fatalf("got %v", err)
	}
	if len(f.requestIDs) != 3 || len(f.requestIDs[0]) != 36 || f.requestIDs[0] != f.requestIDs[2] {
		t.Fatalf("got request ids %q", f.requestIDs)
	}
	if request.GetRequestId() != "" {
		t.Fatal("the caller's message was changed")
	}
}

func TestCallThatIsNotRepeatableIsSentOnce(t *testing.T) {
	f := &fake{life: time.Hour}
	f.failures.Store(1)
	_, err := LogIn(t.Context(), serve(t, f)(), "ada@example.org", "right")
	if status.Code(err) != codes.Unavailable || f.calls != 1 {
		t.Fatalf("got %v after %d calls", err, f.calls)
	}
}

func TestRefusalIsReadable(t *testing.T) {
	users := identityv1.NewUserServiceClient(serve(t, &fake{})())
	_, err := users.CreateUser(t.Context(), &identityv1.CreateUserRequest{})
	if ReasonOf(err) != IdentityRequestInvalid || MetadataOf(err)["k"] != "v" || RequestIDOf(err) != "request-7" {
		t.Fatalf("got %q, %v, %q", ReasonOf(err), MetadataOf(err), RequestIDOf(err))
	}
	violations := ViolationsOf(err)
	if len(violations) != 2 || violations[1] != (Violation{"roles", "UNKNOWN", "Give a known role."}) {
		t.Fatalf("got %v", violations)
	}
	if _, ok := RetryDelayOf(err); ok || ReasonOf(nil) != "" || ReasonOf(status.Error(codes.Internal, "x")) != "" {
		t.Fatal("a reason out of nothing")
	}
}
