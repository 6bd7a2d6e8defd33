package rolecall

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// domainSuffix ends the error domain of every Rolecall service.
const domainSuffix = ".rolecall"

// Reason tells why a call was refused: the domain and the name of the reason,
// such as "identity.rolecall/EMAIL_TAKEN". The constants of this package list
// all of them, with the status code that each one carries.
type Reason string

// Violation is one field of a request that breaks a rule.
type Violation struct {
	// Field is the path of the field, such as "first_owner.email".
	Field string
	// Reason is the rule, such as "TOO_LONG"; for programs.
	Reason string
	// Description says what to do; for people.
	Description string
}

// detail returns the first detail of its type in the status of an error.
func detail[T any](err error) (found T, ok bool) {
	for _, each := range status.Convert(err).Details() {
		if found, ok = each.(T); ok {
			return found, true
		}
	}
	return found, false
}

// ReasonOf returns why a Rolecall service refused a call; empty for every other
// error, and for none.
func ReasonOf(err error) Reason {
	info, ok := detail[*errdetails.ErrorInfo](err)
	if !ok || !strings.HasSuffix(info.GetDomain(), domainSuffix) {
		return ""
	}
	return Reason(info.GetDomain() + "/" + info.GetReason())
}

// MetadataOf returns the values that the message of a refusal mentions.
func MetadataOf(err error) map[string]string {
	info, _ := detail[*errdetails.ErrorInfo](err)
	return info.GetMetadata()
}

// ViolationsOf returns every field of the request that breaks a rule.
func ViolationsOf(err error) []Violation {
	request, _ := detail[*errdetails.BadRequest](err)
	var violations []Violation
	for _, each := range request.GetFieldViolations() {
		violations = append(violations, Violation{each.GetField(), each.GetReason(), each.GetDescription()})
	}
	return violations
}

// RetryDelayOf returns how long to wait before repeating helps.
func RetryDelayOf(err error) (time.Duration, bool) {
	info, ok := detail[*errdetails.RetryInfo](err)
	if !ok {
		return 0, false
	}
	return info.GetRetryDelay().AsDuration(), true
}

// RequestIDOf returns the name under which the server logged the call; give it
// to the people who run the server.
func RequestIDOf(err error) string {
	info, _ := detail[*errdetails.RequestInfo](err)
	return info.GetRequestId()
}
