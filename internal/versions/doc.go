// Package versions knows what can be relocated: products, their releases, the
// PostgreSQL versions and editions of each, and what a user's selection of them
// comes to. It is pure: no network, no clock, no files.
//
// The rooms below it are in the order of the flow: a file becomes a schema.Product, several
// are laid over each other, compile works the product's releases out, and catalogue has
// those that the program carries. Select turns a Selection of them into artifacts with their
// source and target references:
//
//	target, err := ref.ParseFolder("registry.example.com")
//	wanted, err := postgres.ParseExpression("17, >=14 <16")
//	artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{
//		Versions: wanted,
//		Target:   target,
//	})
package versions
