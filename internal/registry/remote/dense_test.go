package remote

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Answers that would take many times their size once they are values are refused: lists of tags
// and of referrers, and tokens.
func TestDenseAnswersAreRefused(t *testing.T) {
	dense := func(field, element string) string {
		return `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","` + field + `":[` + strings.Repeat(element+",", 1<<20) + element + `]}`
	}
	registry := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/tags/list"):
			fmt.Fprint(w, dense("tags", `""`))
		case strings.Contains(r.URL.Path, "/referrers/"):
			fmt.Fprint(w, dense("manifests", `{}`))
		}
	})
	client := newClient(t, strings.TrimPrefix(registry.URL, "http://"), Options{})
	if _, err := client.Tags(t.Context(), "a/b"); !errors.Is(err, jsonlimit.ErrLimit) {
		t.Errorf("Tags() = %v, want ErrLimit", err)
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	if _, err := client.Referrers(t.Context(), "a/b", digest); !errors.Is(err, jsonlimit.ErrLimit) {
		t.Errorf("Referrers() = %v, want ErrLimit", err)
	}
}
