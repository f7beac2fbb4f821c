package helm

import (
	"errors"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// TakenBackError is a failure after which what the run had made was to be taken back. Whether
// that is so is for Changes to say, which looks.
type TakenBackError struct {
	// Err is why the run failed.
	Err error
	// Undo is why taking back failed too; nil where it did not.
	Undo error
	// Skipped are the chart's hooks for uninstalling that were not run, for there are databases.
	Skipped []string
}

// Error says both.
func (e *TakenBackError) Error() string {
	if e.Undo == nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v; taking it back failed as well: %v", e.Err, e.Undo)
}

// Unwrap returns both.
func (e *TakenBackError) Unwrap() []error {
	if e.Undo == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Undo}
}

// takeBack undoes a run that failed: an install is uninstalled, an upgrade rolled back. Helm
// could do that itself, and would delete what was there before as well.
func (r *Releases) takeBack(request Request, before *helmrelease.Release, failed error) error {
	newest, err := r.last(request.Name)
	if err != nil {
		return &TakenBackError{Err: failed, Undo: err}
	}
	if newest == nil || before != nil && newest.Version == before.Version {
		return failed // nothing was begun
	}
	r.records.sent = nil
	r.client.undo()
	if revision(before).Gone() {
		uninstall := action.NewUninstall(r.config)
		uninstall.Timeout, uninstall.Wait, uninstall.KeepHistory = request.Timeout, true, before != nil
		taken := &TakenBackError{Err: failed}
		if uninstall.DisableHooks = r.inUse(r.client.context(), request.Databases); uninstall.DisableHooks {
			taken.Skipped = revision(newest).deletion
		}
		_, err := uninstall.Run(request.Name)
		taken.Undo = r.client.whyUndeleted(err)
		return taken
	}
	return &TakenBackError{Err: failed, Undo: r.rollBack(request, newest.Version)}
}

// rollBack goes back to the newest revision before the one that failed that had worked.
func (r *Releases) rollBack(request Request, failed int) error {
	all, err := r.config.Releases.History(request.Name)
	if err != nil {
		return err
	}
	worked := 0
	for _, release := range all {
		status := release.Info.Status
		if release.Version < failed && release.Version > worked &&
			(status == helmrelease.StatusDeployed || status == helmrelease.StatusSuperseded) {
			worked = release.Version
		}
	}
	if worked == 0 {
		return errors.New("no earlier revision has worked, so that there is none to go back to")
	}
	rollback := action.NewRollback(r.config)
	rollback.Version, rollback.MaxHistory = worked, history
	rollback.Wait, rollback.WaitForJobs, rollback.Timeout = true, true, request.Timeout
	return rollback.Run(request.Name)
}
