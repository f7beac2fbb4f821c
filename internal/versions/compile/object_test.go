package compile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

func TestObjectsOf(t *testing.T) {
	object := objectsOf([]schema.Object{{Each: "postgres", At: "spec.images"}})[0]
	if diff := cmp.Diff([]string{"spec", "images"}, object.At); diff != "" {
		t.Errorf("At differs (-want +got):\n%s", diff)
	}
}
