// Package credentials finds, stores and removes the credentials of registries.
//
// Keychain is the door for whoever speaks to a registry: it looks at credentials given
// for this run, then at docker's config file with its credential helpers, then at
// podman's. Store and Erase are `login` and `logout`: they change docker's config file,
// or the helper that it names, so that what pgrelocate stores docker finds, and the other
// way round.
//
// Nothing here prints, and no error holds a secret.
package credentials
