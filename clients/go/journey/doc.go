// Package journey tells the main job through the Go client, against a real
// server: the longest example. The end-to-end tests in tests/ start a server in
// every layout and run it.
package journey
