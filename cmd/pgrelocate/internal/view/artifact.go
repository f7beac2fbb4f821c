package view

import (
	"errors"
	"fmt"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Artifact is an artifact in every result that lists artifacts.
type Artifact struct {
	Product string `json:"product"`
	Release string `json:"release"`
	// Role is chart, operator, instance or extra.
	Role string `json:"role"`
	// Extra names the image where Role is extra.
	Extra string `json:"extra,omitempty"`
	// Versions are the PostgreSQL versions that the image serves.
	Versions []string `json:"versions,omitempty"`
	Edition  string   `json:"edition,omitempty"`
	// Source and Target are full references.
	Source string `json:"source"`
	Target string `json:"target"`
}

// NewArtifact shows an artifact.
func NewArtifact(a versions.Artifact) Artifact {
	view := Artifact{
		Product: a.Product, Release: a.Release, Role: string(a.Role), Extra: a.Extra, Edition: string(a.Edition),
		Source: a.Source.String(), Target: a.Target.String(),
	}
	for _, v := range a.Versions {
		view.Versions = append(view.Versions, v.String())
	}
	return view
}

// Planned is an artifact with what is known of it at both sides.
type Planned struct {
	Artifact
	// State is new, present, update, attach, damaged, skip or failed.
	State string `json:"state"`
	// Digest and MediaType are those of the source's manifest; TargetDigest is what the
	// target's tag held when the plan was made.
	Digest       string `json:"digest,omitempty"`
	MediaType    string `json:"mediaType,omitempty"`
	TargetDigest string `json:"targetDigest,omitempty"`
	// Size is the bytes of the artifact's distinct blobs; 0 in the account of a copy where it was
	// present, for then nobody has asked.
	Size int64 `json:"size"`
	// Missing are the digests of what the target lacks of an artifact, or of what is attached to it; a tag where that leads nowhere.
	Missing []string `json:"missing,omitempty"`
	// Attachments are the digests of what travels with the image.
	Attachments []string `json:"attachments,omitempty"`
	// Checked is what was checked of it before it was let through.
	Checked *Checked `json:"checked,omitempty"`
	// Drift is what is other than the lock says, refused or allowed.
	Drift []Drift `json:"drift,omitempty"`
	// Cause is set where something went wrong, for programs to tell failures apart: drift,
	// conflict, notFound, platform, denied, certificate, quota, unreachable, unavailable, digest or other. Error and
	// Hint say it to people.
	Cause string `json:"cause,omitempty"`
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// Drift is a digest that is not what a lock says.
type Drift struct {
	// Side is source or target.
	Side string `json:"side"`
	// Locked is what the lock has, Found what is there; empty is nothing.
	Locked string `json:"locked"`
	Found  string `json:"found"`
}

// NewPlanned shows an artifact of a plan.
func NewPlanned(a *plan.Artifact) Planned {
	view := Planned{
		Artifact:     NewArtifact(a.Artifact),
		State:        string(a.State),
		Digest:       a.Digest,
		MediaType:    a.MediaType,
		TargetDigest: a.TargetDigest,
		Size:         a.Size,
		Missing:      a.Missing,
		Attachments:  a.Attachments,
		Checked:      NewChecked(a.Checked),
	}
	for _, d := range a.Drift {
		view.Drift = append(view.Drift, Drift{Side: string(d.Side), Locked: d.Locked, Found: d.Found})
	}
	return view
}

// Checked is what was checked of an artifact before it was let through.
type Checked struct {
	// Signed is the digest that is signed: the source's. It is empty where no signature was asked for.
	Signed string `json:"signed,omitempty"`
	// Key is the fingerprint of the key by which it is signed; or Identity is who has, and Issuer who
	// says so.
	Key      string `json:"key,omitempty"`
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	// Created is when it was made, by its vendor's word, where its age was asked for.
	Created string `json:"created,omitempty"`
	// At is when that was checked.
	At string `json:"at"`
}

// NewChecked shows what was checked; nil is nothing.
func NewChecked(c *plan.Checked) *Checked {
	if c == nil {
		return nil
	}
	view := &Checked{Signed: c.Digest, Key: c.Key, Identity: c.Identity, Issuer: c.Issuer, At: c.At.Format(time.RFC3339)}
	if !c.Created.IsZero() {
		view.Created = c.Created.Format(time.RFC3339)
	}
	return view
}

// SetError says what went wrong; nil is nothing.
func (v *Planned) SetError(err error) {
	if err != nil {
		v.Cause, v.Error, v.Hint = CauseOf(err), err.Error(), advice.For(err)
	}
}

// SignedLine says of how many artifacts a signature was checked; empty where of none.
func SignedLine(total int, checked func(int) *Checked) string {
	signed := 0
	for i := range total {
		if c := checked(i); c != nil && c.Signed != "" {
			signed++
		}
	}
	if signed == 0 {
		return ""
	}
	return fmt.Sprintf("signatures: %d of %s checked\n", signed, output.Count(total, "artifact"))
}

// CauseOf is the kind of a failure, in one word.
func CauseOf(err error) string {
	var (
		platform    *plan.PlatformError
		certificate *registry.CertificateError
	)
	switch {
	case errors.Is(err, registry.ErrDrift):
		return "drift"
	case errors.Is(err, registry.ErrConflict):
		return "conflict"
	case errors.As(err, &platform):
		return "platform"
	case errors.As(err, &certificate):
		return "certificate"
	case errors.Is(err, registry.ErrQuota):
		return "quota"
	case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, registry.ErrForbidden), errors.Is(err, registry.ErrExpired):
		return "denied"
	case errors.Is(err, registry.ErrDigestMismatch):
		return "digest"
	case errors.Is(err, registry.ErrUnreachable):
		return "unreachable"
	case errors.Is(err, registry.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, registry.ErrNotFound):
		return "notFound"
	}
	return "other"
}
