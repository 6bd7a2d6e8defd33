package rolecall

import (
	"context"
	"crypto/tls"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Option changes how Dial connects.
type Option func(*settings)

type settings struct {
	tls       *tls.Config
	plaintext bool
	retries   bool
	tokens    TokenSource
	grpc      []grpc.DialOption
}

// WithPlaintext connects without TLS; only for a server on the same machine,
// or behind a proxy that speaks TLS.
func WithPlaintext() Option {
	return func(s *settings) { s.plaintext = true }
}

// WithTLS replaces the default TLS configuration (system roots, TLS 1.2 or
// newer), for example to trust a private certificate authority.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) { s.tls = config }
}

// WithTokenSource sends a token of the source with every call.
func WithTokenSource(source TokenSource) Option {
	return func(s *settings) { s.tokens = source }
}

// WithoutRetries answers every failure at once. By default the calls that are
// safe to repeat are tried up to four times while the server is unavailable.
func WithoutRetries() Option {
	return func(s *settings) { s.retries = false }
}

// WithGRPC adds options of grpc-go, such as interceptors or stats handlers.
func WithGRPC(options ...grpc.DialOption) Option {
	return func(s *settings) { s.grpc = append(s.grpc, options...) }
}

// Dial makes a connection to a server such as "rolecall.example.org:443". The
// network is first used by the first call.
func Dial(address string, options ...Option) (*grpc.ClientConn, error) {
	s := settings{retries: true}
	for _, option := range options {
		option(&s)
	}
	conn, err := grpc.NewClient(address, s.dialOptions()...)
	if err != nil {
		return nil, fmt.Errorf("rolecall: connect to %q: %w", address, err)
	}
	return conn, nil
}

func (s *settings) dialOptions() []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(s.transport()),
		grpc.WithChainUnaryInterceptor(nameRequest),
	}
	if s.retries {
		options = append(options, grpc.WithDefaultServiceConfig(serviceConfig))
	} else {
		options = append(options, grpc.WithDisableRetry())
	}
	if s.tokens != nil {
		options = append(options, grpc.WithPerRPCCredentials(bearer{source: s.tokens, secure: !s.plaintext}))
	}
	return append(options, s.grpc...)
}

func (s *settings) transport() credentials.TransportCredentials {
	switch {
	case s.plaintext:
		return insecure.NewCredentials()
	case s.tls != nil:
		return credentials.NewTLS(s.tls)
	default:
		return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
}

// bearer sends a token as `authorization: Bearer`.
type bearer struct {
	source TokenSource
	secure bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.source.Token(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
