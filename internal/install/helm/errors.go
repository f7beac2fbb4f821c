package helm

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrBusy: another operation on the same release is under way, or was killed.
	ErrBusy = errors.New("another install or upgrade is under way")
	// ErrOvertaken: another operation began while this one was about to; it is an ErrBusy.
	ErrOvertaken = fmt.Errorf("%w: it was quicker than this one", ErrBusy)
	// ErrOwned: something that the chart brings belongs to somebody else, who made it since that
	// was looked for.
	ErrOwned = errors.New("it belongs to somebody else")
)

// BusyError names the revision that is under way, or was left so by a run that was killed:
// nothing in the cluster tells these two apart but time. It is an ErrBusy.
type BusyError struct{ Revision Revision }

// Error says since when.
func (e *BusyError) Error() string {
	r := e.Revision
	return fmt.Sprintf("%v: helm release %s, revision %d, is in state %s since %s (%s ago)", ErrBusy, r.Name, r.Number,
		r.Status, r.Since.UTC().Format("2006-01-02 15:04:05 MST"), time.Since(r.Since).Round(time.Second))
}

// Is makes it an ErrBusy.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// Record is the name of the Secret that records the revision.
func (e *BusyError) Record() string {
	return fmt.Sprintf("sh.helm.release.v1.%s.v%d", e.Revision.Name, e.Revision.Number)
}

// explain puts what helm says into our words.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	// Helm does not export these.
	case strings.Contains(err.Error(), "another operation (install/upgrade/rollback) is in progress"),
		errors.Is(err, driver.ErrReleaseExists), strings.Contains(err.Error(), "cannot re-use a name that is still in use"):
		return ErrOvertaken
	case strings.Contains(err.Error(), "invalid ownership metadata"):
		return cluster.Wrap(ErrOwned, err)
	default:
		return cluster.Explain(err)
	}
}
