package registrytest

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// listening is what every server of distribution's family writes.
var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

const (
	debianBinary       = "docker-registry"
	distributionBinary = "registry"
)

// Debian runs Debian's docker-registry, distribution 2.8.2. It is skipped, or fails, where
// the program is absent: see Binary.
func Debian(tb testing.TB, opts Options) *Registry {
	tb.Helper()
	return startDistribution(tb, Binary(tb, debianBinary), opts)
}

// Distribution runs distribution v3, built by `make test-deps`. It is skipped, or fails,
// where the program is absent: see Binary.
func Distribution(tb testing.TB, opts Options) *Registry {
	tb.Helper()
	return startDistribution(tb, Binary(tb, distributionBinary), opts)
}

func startDistribution(tb testing.TB, binary string, opts Options) *Registry {
	tb.Helper()
	if opts.Root == "" {
		opts.Root = tb.TempDir()
	}
	r := newRegistry(tb, opts)
	if opts.Tokens != nil {
		r.Tokens = newTokenServer(tb, r, *opts.Tokens)
	}
	config := filepath.Join(tb.TempDir(), "config.yml")
	data, err := json.Marshal(distributionConfig(tb, r, opts)) // JSON is YAML too
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(config, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	// v3 sends traces to a collector unless told otherwise, and complains of its absence.
	env := []string{"OTEL_TRACES_EXPORTER=none"}
	r.listensOn(tb, startServer(tb, binary, []string{"serve", config}, env, listening, opts.AccessLog))
	return r
}

type object = map[string]any

func distributionConfig(tb testing.TB, r *Registry, opts Options) object {
	tb.Helper()
	http := object{"addr": "127.0.0.1:0", "secret": rand.Text()}
	if r.CA != nil {
		cert := r.CA.Issue(tb, "server")
		tls := object{"certificate": cert.CertFile, "key": cert.KeyFile}
		if opts.ClientCerts {
			tls["clientcas"] = []string{r.CAFile}
		}
		http["tls"] = tls
		http["http2"] = object{"disabled": opts.HTTP1}
	}
	config := object{
		"version": "0.1",
		"log":     object{"level": "info", "accesslog": object{"disabled": opts.AccessLog == nil}},
		"http":    http,
		"storage": object{
			"filesystem":  object{"rootdirectory": opts.Root},
			"delete":      object{"enabled": true},
			"maintenance": object{"readonly": object{"enabled": opts.ReadOnly}},
		},
	}
	if opts.SparseIndexes {
		config["validation"] = object{"manifests": object{"indexes": object{"platforms": "none"}}}
	}
	switch {
	case r.Tokens != nil:
		config["auth"] = object{"token": r.Tokens.distributionConfig()}
	case len(opts.Accounts) > 0:
		config["auth"] = object{"htpasswd": object{"realm": "pgrelocate tests", "path": htpasswd(tb, opts.Accounts)}}
	}
	return config
}

// htpasswd writes the accounts the way Apache's program of that name does.
func htpasswd(tb testing.TB, accounts []Account) string {
	tb.Helper()
	var data []byte
	for _, account := range accounts {
		if account.PullOnly {
			tb.Fatalf("account %s: basic authentication knows no accounts that pull only", account.Username)
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			tb.Fatal(err)
		}
		data = append(data, account.Username+":"+string(hash)+"\n"...)
	}
	file := filepath.Join(tb.TempDir(), "htpasswd")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}
