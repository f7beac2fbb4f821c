package advice

import (
	"errors"

	"github.com/pgrelocate/pgrelocate/internal/registry/admission"
)

// notAdmitted is for artifacts without the signature or the age that was asked for.
func notAdmitted(err error) string {
	var unsigned *admission.UnsignedError
	var age *admission.AgeError
	switch {
	case errors.As(err, &unsigned):
		return "ask the vendor which key or identity signs its images; --allow-unsigned REPOSITORIES asks no signature of some"
	case errors.As(err, &age) && age.Created.IsZero():
		return "--allow-unknown-age copies what does not say when it was made"
	case errors.As(err, &age):
		return "it can be copied once it is old enough, or with another --min-age"
	}
	return ""
}
