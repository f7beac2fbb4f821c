package advice

import (
	"errors"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// aboutLock is for locks, and for what is not as they say.
func aboutLock(err error) string {
	var deviation *locking.DeviationError
	if errors.As(err, &deviation) {
		return "look at what has changed; without --locked the lock is brought up to date"
	}
	var file *locking.LockError
	if errors.As(err, &file) {
		return aboutLockFile(file)
	}
	var drift *plan.DriftError
	switch {
	case !errors.As(err, &drift):
		return ""
	case drift.Reviewed:
		return "look at what has changed, and make a new plan: pgrelocate plan --plan-out FILE"
	case drift.Side == registry.SideTarget:
		return "--on-conflict update puts back what the lock has, --on-conflict skip leaves the tag as it is"
	default:
		return "ask the vendor what has changed; --allow-drift takes what is there now, and the lock will say so"
	}
}

func aboutLockFile(err *locking.LockError) string {
	var room *lock.RoomError
	switch {
	case errors.As(err, &room):
		return "select less, and the rest into a lock of its own with --lock FILE; --lock none copies without one"
	case errors.Is(err, lock.ErrOtherVersion):
		return "use the version of pgrelocate that wrote it, or a newer one"
	case errors.Is(err, locking.ErrNoLock):
		return "pgrelocate copy --lock " + config.LocalLock + " writes one"
	case errors.Is(err, locking.ErrNoPlan):
		return "pgrelocate plan --plan-out FILE writes one"
	case errors.Is(err, locking.ErrLockChanged):
		return "everything else is done; run the same command again to bring the lock up to date"
	case errors.Is(err, locking.ErrOtherRegistry):
		return "--registry names the registry, with its folder, as the lock does; --lock FILE another lock"
	case errors.Is(err, locking.ErrOutside):
		return "look at what it has there; --catalogue FILE names the product that the folder is of; what `copy --images` put there, which is of no product, goes by the registry's own means: --registry HOST/FOLDER gives such images a folder that is pruned"
	case err.NotOurs:
		return "choose another name, or name it and allow it to be replaced: --lock FILE --overwrite (a plan: --plan-out FILE --overwrite)"
	}
	return ""
}
