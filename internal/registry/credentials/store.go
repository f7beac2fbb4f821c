package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"
)

// Storage is where a login is kept.
type Storage struct {
	// File is docker's config file.
	File string
	// Helper is the program that keeps the secret, "docker-credential-pass"; empty where
	// the secret stands in the file, readable for whoever can read that.
	Helper string
}

// String names the place for people.
func (p Storage) String() string {
	if p.Helper != "" {
		return p.Helper
	}
	return p.File
}

// Store keeps a login for a registry, where docker will look for it. Logins at the same time
// lose none. Where ctx ends first, whether it is kept is not known.
func Store(ctx context.Context, host string, login Login) (Storage, error) {
	return alone(ctx, func() (Storage, error) { return store(host, login) })
}

func store(host string, login Login) (Storage, error) {
	file, err := open()
	if err != nil {
		return Storage{}, err
	}
	if !file.ContainsAuth() {
		// As docker does on a machine where nobody has logged in before.
		file.CredentialsStore = credentials.DetectDefaultStore("")
	}
	key := serverKey(host)
	place := placeOf(file, key)
	if place.Helper == "" {
		file.GetAuthConfigs()[key] = login.entry(key)
		return place, file.Save()
	}
	if err := helperProgram(place.Helper).store(key, login); err != nil {
		return Storage{}, fmt.Errorf("storing credentials of %s: %w", host, helperError(file.ConfigFile, key, without(err, login.Password)))
	}
	file.GetAuthConfigs()[key] = types.AuthConfig{ServerAddress: key} // as docker does: it says that there is one
	return place, file.Save()
}

// Erase forgets the login of a registry. It tells whether there was one, and where. Where ctx ends first,
// neither is known.
func Erase(ctx context.Context, host string) (held bool, place Storage, err error) {
	type erased struct {
		held  bool
		place Storage
	}
	done, err := alone(ctx, func() (e erased, err error) {
		e.held, e.place, err = erase(host)
		return e, err
	})
	return done.held, done.place, err
}

func erase(host string) (bool, Storage, error) {
	file, err := open()
	if err != nil {
		return false, Storage{}, err
	}
	key := serverKey(host)
	place := placeOf(file, key)
	held, err := lookup(file.ConfigFile, key)
	if err != nil {
		return false, Storage{}, err
	}
	listed := hostEntries(file.ConfigFile, key)
	if held.Username == "" && held.IdentityToken == "" && len(listed) == 0 {
		return false, place, nil
	}
	for _, entry := range listed { // or another of its names would go on to serve
		delete(file.AuthConfigs, entry)
	}
	if place.Helper != "" {
		err = helperProgram(place.Helper).erase(key)
	}
	if err == nil {
		err = file.Save()
	}
	if err != nil {
		return false, Storage{}, fmt.Errorf("removing credentials of %s: %w", host, err)
	}
	return true, place, nil
}

// Located tells where the login of a registry would come from, without asking a helper
// for it; ok is false where no file mentions the registry, or a folder in it. A file that cannot be
// read is an error.
func Located(host string) (place Storage, ok bool, err error) {
	files, err := places()
	if err != nil {
		return Storage{}, false, err
	}
	key := serverKey(host)
	for _, file := range files {
		listed := mentions(file, key)
		if short := helperOf(file, key); short != "" {
			return Storage{File: file.Filename, Helper: string(helperNamed(short))}, true, nil
		}
		if listed {
			return Storage{File: file.Filename}, true, nil
		}
	}
	return Storage{}, false, nil
}

func placeOf(f *file, key string) Storage {
	if short := helperOf(f.ConfigFile, key); short != "" {
		return Storage{File: f.Filename, Helper: string(helperNamed(short))}
	}
	return Storage{File: f.Filename}
}

// without takes a secret out of what a helper wrote.
func without(err error, secret string) error {
	if secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "(password not shown)"))
}
