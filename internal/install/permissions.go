package install

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
)

func (i *installation) permissions(ctx context.Context) (string, error) {
	for _, namespace := range i.allNamespaces() {
		exists, err := i.Cluster.HasNamespace(ctx, namespace)
		if err != nil && !errors.Is(err, cluster.ErrDenied) {
			return "", err
		}
		if err == nil && !exists {
			i.missing = append(i.missing, namespace)
		}
	}
	objects := i.outcome.Prepared.Rendering.Objects
	wanted := i.Cluster.InstallPermissions(ctx, objects, i.owner(), i.allNamespaces(), i.missing)
	if i.DryRun {
		denied, err := i.Cluster.Denied(ctx, wanted)
		for _, permission := range denied {
			i.Hooks.warn("the install itself would need: " + permission.String())
		}
		return fmt.Sprintf("%d of %d are there", len(wanted)-len(denied), len(wanted)), errors.Join(err, i.unread)
	}
	if err := i.Cluster.CheckPermissions(ctx, wanted); err != nil {
		return "", err
	}
	if i.unread != nil {
		return "", i.unread
	}
	return fmt.Sprintf("all %d are there", len(wanted)), i.Cluster.CheckEscalation(ctx, objects, i.Subject.Namespace)
}

// allNamespaces are the operator's and those of the instances, each once.
func (i *installation) allNamespaces() []string {
	all := []string{i.Subject.Namespace}
	for _, namespace := range i.InstanceNamespaces {
		if !slices.Contains(all, namespace) {
			all = append(all, namespace)
		}
	}
	return all
}

func (i *installation) prerequisites(ctx context.Context) (string, error) {
	said := "kubernetes " + i.Cluster.Version()
	for _, needed := range i.outcome.Prepared.Needed() {
		answer, err := i.ask(ctx, needed)
		if err != nil {
			return "", err
		}
		said += answer
	}
	if err := i.Cluster.CheckKinds(ctx, i.outcome.Prepared.Rendering.Without(i.comes).Objects); err != nil {
		return "", err
	}
	found, err := i.Cluster.Find(ctx, i.outcome.Prepared.Rendering.Objects, i.Subject.Namespace)
	if err != nil {
		return "", err
	}
	if err := i.notLeaving(ctx, found); err != nil {
		return "", err
	}
	if err := i.ownership(ctx, found); err != nil {
		return "", err
	}
	if err := i.notOlder(ctx, found); err != nil || i.DryRun {
		return said, err
	}
	former, err := i.recorded.running().Rendering()
	if err != nil {
		return "", err
	}
	return said, definitions.Check(ctx, i.Cluster, i.outcome.Prepared.Rendering.Objects, found, former.Objects)
}

// comes tells whether an object is of a kind that an awaited prerequisite defines.
func (i *installation) comes(object chart.Object) bool {
	return slices.ContainsFunc(i.Subject.Prerequisites, func(p cluster.Prerequisite) bool {
		return i.awaits(p) && p.UsedBy([]chart.Object{object})
	})
}

func (i *installation) awaits(needed cluster.Prerequisite) bool {
	return i.DryRun && slices.Contains(i.Awaited, needed.Product)
}

// ask says how a prerequisite does.
func (i *installation) ask(ctx context.Context, needed cluster.Prerequisite) (string, error) {
	if i.awaits(needed) {
		return ", " + needed.Title + " would be installed before", nil
	}
	if i.DryRun {
		has, err := i.Cluster.HasPrerequisite(ctx, needed)
		if err == nil && !has {
			err = &cluster.PrerequisiteError{Prerequisite: needed, Err: cluster.ErrNoPrerequisite}
		}
		return ", " + needed.Title + " is not asked in a dry run", err
	}
	namespace := i.Subject.Namespace
	if slices.Contains(i.missing, namespace) {
		namespace = "default"
	}
	notice, err := i.Cluster.CheckPrerequisite(ctx, needed, namespace)
	switch {
	case err != nil:
		return "", err
	case notice != "":
		i.Hooks.warn(notice)
		return "", nil
	}
	return ", " + needed.Title + " answers", nil
}
