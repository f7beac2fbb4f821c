package pulling

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// DialAs is Dial that knows where one login comes from.
func DialAs(ctx context.Context, s *relocate.Session, known Login) verify.Dial {
	dial := Dial(ctx, s)
	return func(host string, login credentials.Login) (verify.Puller, error) {
		opened, err := dial(host, login)
		if err != nil || login != known.Login {
			return opened, err
		}
		return &puller{opened, known}, nil
	}
}

// Dial returns what opens the private registry with a login that goes into the cluster, or is in it.
func Dial(ctx context.Context, s *relocate.Session) verify.Dial {
	return func(host string, login credentials.Login) (verify.Puller, error) {
		return s.Clients.As(ctx, host, login)
	}
}
