package rolecall

import (
	"context"
	"crypto/rand"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// nameRequest gives a request that can bear a name, and has none, a fresh
// `request_id`, so that a retry of the same call never takes effect twice. The
// caller's own message stays untouched.
func nameRequest(
	ctx context.Context, method string, request, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if message, ok := request.(proto.Message); ok {
		request = named(message)
	}
	return invoke(ctx, method, request, reply, conn, options...)
}

func named(message proto.Message) proto.Message {
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || field.Kind() != protoreflect.StringKind || message.ProtoReflect().Has(field) {
		return message
	}
	clone := proto.Clone(message)
	clone.ProtoReflect().Set(field, protoreflect.ValueOfString(newUUID()))
	return clone
}

// newUUID makes a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
