package integration_test

import (
	"bytes"
	"errors"
	"net/http"
	"os/exec"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

// What the program ends with where a registry does not take its image: as a copy of one artifact does.
func TestExitCodesOfSelfPush(t *testing.T) {
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	host := func(faults ...registrytest.Middleware) string {
		return registrytest.Front(t, registrytest.InProcess(t, registrytest.Options{}), faults...).Host
	}
	answer := func(status int, on ...registrytest.Kind) registrytest.Middleware {
		return faults.Answer{On: faults.On(on...), Times: faults.Always, Status: status}.Fault()
	}
	tests := []struct {
		name, registry string
		want           int
	}{
		{"nobody listens", "127.0.0.1:1", 3},
		{"it wants a login", registrytest.InProcess(t, registrytest.Options{Accounts: []registrytest.Account{{Username: "a", Password: "b"}}}).Host, 4},
		{"it forbids", host(answer(http.StatusForbidden, registrytest.StartUpload, registrytest.Mount, registrytest.PutUpload, registrytest.PutManifest)), 4},
		{"it fails", host(answer(http.StatusInternalServerError, registrytest.GetManifest, registrytest.HeadManifest)), 3},
		{"nothing can be pushed", registrytest.InProcess(t, registrytest.Options{ReadOnly: true}).Host, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), file, "self", "push", "--registry", tt.registry, "--retry-timeout", "1s", "--state-dir", t.TempDir())
			var messages bytes.Buffer
			cmd.Stderr = &messages
			err := cmd.Run()
			var ended *exec.ExitError
			if !errors.As(err, &ended) || ended.ExitCode() != tt.want {
				t.Errorf("ended with %v, want %d:\n%s", err, tt.want, messages.String())
			}
		})
	}
}
