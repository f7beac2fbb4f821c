// Package integration_test runs the copy engine, and the program itself, between real
// registries: Debian's docker-registry, distribution v3 and go-containerregistry's, with
// basic authentication, tokens, and TLS by a private authority.
package integration_test
