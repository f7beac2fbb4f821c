package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// What an API server would refuse is refused before it is printed: who has it applied by others hears of
// it much later.

// CheckLabel finds names that no namespace can have, nor anything else that is called by a label of DNS.
func CheckLabel(what, name string) error {
	if wrong := validation.IsDNS1123Label(name); len(wrong) > 0 {
		return fmt.Errorf("%s %q: %s", what, name, wrong[0])
	}
	return nil
}

// CheckName finds names that no object can have, a secret or a claim.
func CheckName(what, name string) error {
	if wrong := validation.IsDNS1123Subdomain(name); len(wrong) > 0 {
		return fmt.Errorf("%s %q: %s", what, name, wrong[0])
	}
	return nil
}
