// Package rolecall connects Go programs to the Rolecall services.
//
// The generated messages and clients live below rolecall/; this package adds
// what every caller needs around them: connections that send a fresh access
// token, retries of the calls that are safe to repeat, and readable refusals.
//
//	anonymous, err := rolecall.Dial("127.0.0.1:50051", rolecall.WithPlaintext())
//	session, err := rolecall.LogIn(ctx, anonymous, "ada@example.org", password)
//	conn, err := rolecall.Dial("127.0.0.1:50051", rolecall.WithPlaintext(), rolecall.WithTokenSource(session))
//	users := identityv1.NewUserServiceClient(conn)
//	_, err = users.CreateUser(ctx, request)
//	if rolecall.ReasonOf(err) == rolecall.IdentityEmailTaken { ... }
//
// The files named *_gen.go and everything below rolecall/ are written by
// `cargo xtask codegen` from the contract in proto/.
package rolecall
