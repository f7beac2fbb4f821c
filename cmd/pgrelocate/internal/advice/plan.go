package advice

import (
	"errors"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// conflict is for tags that hold other content at the target.
func conflict(err error) string {
	var other *plan.ConflictError
	if !errors.As(err, &other) {
		return ""
	}
	if other.Platforms != "" {
		return "name all platforms that are needed there together, --platform OS/ARCH,OS/ARCH, or none for all, with --on-conflict update, which moves the tag"
	}
	return "--on-conflict update moves the tag, --on-conflict skip leaves it as it is"
}
