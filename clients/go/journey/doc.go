// Package journey holds a test of the client against a real server, under the
// build tag of the same name.
package journey
