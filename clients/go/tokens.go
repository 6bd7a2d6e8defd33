package rolecall

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	identityv1 "github.com/rolecall/rolecall/clients/go/rolecall/identity/v1"
)

// margin is how long before its end a token is replaced: longer than a call may
// wait on its way, shorter than any token lives.
const margin = 30 * time.Second

// patience is how long new tokens may take.
const patience = 10 * time.Second

// TokenSource gives the access token for the next call. Its implementations
// here may be used by many goroutines at once.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// StaticToken is a TokenSource that always gives the same token.
type StaticToken string

// Token returns the token itself.
func (t StaticToken) Token(context.Context) (string, error) { return string(t), nil }

// Session is the login of a person; its Token is replaced before it ends.
type Session struct {
	service identityv1.AuthenticationServiceClient
	now     func() time.Time

	mu     sync.Mutex
	tokens *identityv1.Tokens
}

// LogIn opens a session by e-mail address and password, over a connection
// without a token source. A person with a second factor goes through LogIn and
// AnswerChallenge of the service, then [ResumeSession].
func LogIn(ctx context.Context, conn grpc.ClientConnInterface, email, password string) (*Session, error) {
	service := identityv1.NewAuthenticationServiceClient(conn)
	answer, err := service.LogIn(ctx, &identityv1.LogInRequest{Email: email, Password: password})
	if err != nil {
		return nil, err
	}
	if answer.GetTokens() == nil {
		return nil, errors.New("rolecall: the login asks for more than a password; call LogIn and AnswerChallenge, then ResumeSession")
	}
	return ResumeSession(conn, answer.GetTokens()), nil
}

// ResumeSession goes on with the tokens of an earlier login.
func ResumeSession(conn grpc.ClientConnInterface, tokens *identityv1.Tokens) *Session {
	return &Session{service: identityv1.NewAuthenticationServiceClient(conn), now: time.Now, tokens: tokens}
}

// Tokens returns the tokens as they are now, for keeping them in a safe place.
func (s *Session) Tokens() *identityv1.Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// Token returns the access token and replaces it when it is about to end. One
// call at a time does so, since a refresh token serves once.
func (s *Session) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.tokens.GetAccessTokenExpireTime().AsTime().Sub(s.now())
	if left > margin {
		return s.tokens.GetAccessToken(), nil
	}
	// The refresh token is spent even if this caller goes away, so the answer is
	// waited for.
	refresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	request := &identityv1.RefreshTokensRequest{RefreshToken: s.tokens.GetRefreshToken()}
	answer, err := s.service.RefreshTokens(refresh, request)
	if err == nil {
		s.tokens = answer.GetTokens()
		return s.tokens.GetAccessToken(), nil
	}
	if left > 0 && ReasonOf(err) != IdentityRefreshTokenRefused {
		// The server is out of reach; what is left of the old token still serves.
		return s.tokens.GetAccessToken(), nil
	}
	return "", err
}

// APIKey is a TokenSource for the key of a service account.
type APIKey struct {
	service identityv1.AuthenticationServiceClient
	key     string
	now     func() time.Time

	mu     sync.Mutex
	token  string
	expire time.Time
}

// NewAPIKey makes a source that exchanges the key, over a connection without a
// token source, whenever the last token is about to end.
func NewAPIKey(conn grpc.ClientConnInterface, key string) *APIKey {
	return &APIKey{service: identityv1.NewAuthenticationServiceClient(conn), key: key, now: time.Now}
}

// Token returns a token of the service account.
func (k *APIKey) Token(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	left := k.expire.Sub(k.now())
	if left > margin {
		return k.token, nil
	}
	answer, err := k.service.ExchangeApiKey(ctx, &identityv1.ExchangeApiKeyRequest{ApiKey: k.key})
	switch {
	case err == nil:
		k.token, k.expire = answer.GetAccessToken(), answer.GetAccessTokenExpireTime().AsTime()
	case left <= 0 || ReasonOf(err) == IdentityCredentialsRefused:
		return "", err
	}
	return k.token, nil
}
