package install

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// While helm may still be at work nothing is put back, though nothing was seen to have begun.
func TestNothingIsPutBackWhileHelmMayWork(t *testing.T) {
	i := &installation{Options: Options{Atomic: true}, applied: []definitions.Applied{{Name: "dbs.lab.example.com"}}}
	if back := i.putBack(t.Context(), stepOperator, errors.New("refused")); back == nil {
		t.Error("putBack() = nil where helm had not begun")
	}
	if back := i.putBack(t.Context(), stepOperator, fmt.Errorf("stopped: %w", helm.ErrAtWork)); back != nil {
		t.Errorf("putBack() = %+v while helm may still be at work, want nil", back)
	}
}
