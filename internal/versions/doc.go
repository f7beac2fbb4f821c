// Package versions knows what can be relocated: products, their releases, the
// PostgreSQL versions and editions of each, and what a user's selection of them
// comes to. It is pure: no network, no clock; Load alone reads files.
//
// The doors are Builtin or Load, which give a Catalogue, and Select, which turns a
// Selection of it into artifacts with their source and target references:
//
//	target, err := ref.ParseFolder("registry.example.com")
//	wanted, err := versions.ParseExpression("17, >=14 <16")
//	artifacts, err := versions.Select(versions.Builtin(), versions.Selection{
//		Versions: wanted,
//		Target:   target,
//	})
package versions
