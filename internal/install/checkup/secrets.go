package checkup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// soon is how long before its end a pull secret deserves a look.
const soon = 24 * time.Hour

// secrets looks at the pull secret of every namespace that has, or will have, something to run.
func (e *examination) secrets(ctx context.Context) finding.Finding {
	if e.Host == "" {
		return finding.Skipf("no private registry is named")
	}
	namespaces := append([]string{e.Namespace}, e.Namespaces...)
	instances, err := e.Cluster.Instances(ctx, e.Databases...)
	if err != nil && !errors.Is(err, cluster.ErrDenied) {
		return finding.Failure(err)
	}
	unlisted := err != nil
	for _, instance := range instances {
		namespaces = append(namespaces, instance.Namespace)
	}
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces)
	wants := sync.OnceValues(func() (wants, known bool) { return e.wantsLogin(ctx) })
	result := finding.Finding{Status: finding.OK}
	needless := 0
	var wrong []string
	for _, namespace := range namespaces {
		status, says := e.secret(ctx, namespace, wants)
		if status == finding.OK {
			if says == needsNone {
				needless++
			}
			continue
		}
		wrong = append(wrong, says)
		if result.Status != finding.Failed {
			result.Status = status
		}
		if status != finding.NotLookedAt {
			result.About = append(result.About, namespace)
		}
	}
	if unlisted {
		wrong = append(wrong, "which namespaces have databases may not be listed")
		if result.Status == finding.OK {
			result.Status = finding.Warning
		}
	}
	if result.Says = e.allSecretsAreWell(len(namespaces)-needless, needless); len(wrong) > 0 {
		result.Says = strings.Join(wrong, "; ")
	}
	if len(result.About) > 0 {
		result.Remedy = MakeSecret
	}
	return result
}

// allSecretsAreWell says where they are, and how many namespaces need none.
func (e *examination) allSecretsAreWell(with, needless int) string {
	none := e.Host + " gives its images without a login"
	if with == 0 {
		return none + ": no pull secret is needed"
	}
	text := fmt.Sprintf("secret %s is there for %s, in %d namespaces", e.PullSecret, e.Host, with)
	if e.Try != nil {
		text += ", and the registry accepts it"
	} else {
		text += "; the registry was not asked whether it accepts it"
	}
	if needless > 0 {
		text += "; others need none, for " + none
	}
	return text
}

// wantsLogin tells whether the registry gives its images to nobody without a login.
func (e *examination) wantsLogin(ctx context.Context) (wants, known bool) {
	if e.Anonymous == nil {
		return true, true
	}
	gives, known := e.Anonymous(ctx)
	return !gives, known
}

// needsNone is said of a namespace without the secret, which is well.
const needsNone = "none is needed"

// lacks is what it means that a namespace has no secret.
func (e *examination) lacks(ctx context.Context, namespace string, wants func() (wants, known bool)) (finding.Status, string) {
	wanted, known := wants()
	switch {
	case known && !wanted:
		return finding.OK, needsNone
	case namespace == e.Namespace && !e.installed(ctx):
		return finding.NotLookedAt, fmt.Sprintf("namespace %s is not there yet, and installing makes its secret", namespace)
	case !known:
		return finding.NotLookedAt, fmt.Sprintf("namespace %s lacks the secret %s, and whether %s wants a login cannot be told yet", namespace, e.PullSecret, e.Host)
	default:
		return finding.Warning, fmt.Sprintf("namespace %s lacks the secret %s", namespace, e.PullSecret)
	}
}

// secret looks at one namespace's.
func (e *examination) secret(ctx context.Context, namespace string, wants func() (wants, known bool)) (finding.Status, string) {
	login, err := pullsecret.Stored(ctx, e.Cluster, namespace, e.PullSecret, e.Host)
	switch {
	case errors.Is(err, pullsecret.ErrNoSecret):
		return e.lacks(ctx, namespace, wants)
	case errors.Is(err, cluster.ErrDenied):
		return finding.NotLookedAt, fmt.Sprintf("the secret in namespace %s may not be read", namespace)
	case err != nil:
		return finding.Failed, err.Error()
	}
	if e.Try != nil {
		if err := e.Try(ctx, login); err != nil {
			return finding.Failed, fmt.Sprintf("the registry does not accept the secret in namespace %s: %v", namespace, err)
		}
	}
	return e.expiry(ctx, namespace, login)
}

// installed tells whether the operator's namespace is there.
func (e *examination) installed(ctx context.Context) bool {
	exists, err := e.Cluster.HasNamespace(ctx, e.Namespace)
	return exists || err != nil
}

// expiry looks at passwords that live for hours.
func (e *examination) expiry(ctx context.Context, namespace string, login pullsecret.Credentials) (finding.Status, string) {
	life, short := credentials.LifetimeOf(e.Host, login, e.Now())
	if !short {
		return finding.OK, ""
	}
	if life.About { // from when it was made, which is no later than when it was written
		written, err := pullsecret.Written(ctx, e.Cluster, namespace, e.PullSecret)
		if err != nil || written.IsZero() {
			return finding.Warning, fmt.Sprintf("the secret in namespace %s is %s, which lives for about %s", namespace, life.Of, life.Until.Sub(e.Now()).Round(time.Minute))
		}
		life, _ = credentials.LifetimeOf(e.Host, login, written)
	}
	switch left := life.Until.Sub(e.Now()); {
	case left <= 0 && life.About:
		return finding.Warning, fmt.Sprintf("the secret in namespace %s is %s, and has most likely expired at %s UTC", namespace, life.Of, life.Until.UTC().Format(time.DateTime))
	case left <= 0:
		return finding.Failed, fmt.Sprintf("the secret in namespace %s has expired at %s UTC", namespace, life.Until.UTC().Format(time.DateTime))
	case left < soon:
		return finding.Warning, fmt.Sprintf("the secret in namespace %s is %s, and expires in about %s", namespace, life.Of, left.Round(time.Minute))
	}
	return finding.OK, ""
}
