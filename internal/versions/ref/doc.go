// Package ref knows how registries, folders in them, and the artifacts there are named:
// references and their grammar. It is pure.
//
//	folder, err := ref.ParseFolder("registry.example.com/team")
//	operator := folder.Reference("postgres-operator", "v4.3.1")
package ref
