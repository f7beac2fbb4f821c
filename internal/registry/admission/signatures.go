package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/signature"
)

// mostSignatures is how many of an artifact's are looked at. Nobody has as many; whoever may add
// signatures at the source could otherwise keep a run busy for as long as he likes.
const mostSignatures = 50

// mostReasons is how many reasons are told.
const mostReasons = 3

// The types of referrers that are or may be signatures, besides bundles.
const simpleReferrer = "application/vnd.dev.cosign.artifact.sig.v1+json"

// predicateAnnotation is what cosign says of a bundle in the listing of referrers. It is a hint,
// which spares fetching SBOMs and the like: who lies there hides a signature that is his to hide.
const predicateAnnotation = "dev.sigstore.bundle.predicateType"

// signed finds somebody trusted who has signed what the artifact's source has. A wrong signature
// beside a right one is nothing bad: everybody may sign.
func (c *Checker) signed(ctx context.Context, a *plan.Artifact) (*signature.By, error) {
	digest, err := v1.NewHash(signedDigest(a))
	if err != nil {
		return nil, err
	}
	subject := signature.Subject{Digest: digest}
	asked := question{origin: a.Origin, digest: digest.String()}
	if c.rules.Named {
		name := a.Source.Host + "/" + a.Source.Repository
		subject.References = []string{name}
		if a.Source.Tag != "" {
			subject.References = append(subject.References, name+":"+a.Source.Tag)
		}
		asked.reference = a.Source.String()
	}
	known := c.answerTo(asked)
	known.once.Do(func() {
		s := &search{checker: c, origin: a.Origin, subject: subject}
		known.by, known.err = s.run(ctx)
	})
	if known.err != nil {
		return nil, &registry.Error{Op: "verifying", Side: registry.SideSource, Host: a.Source.Host, Ref: a.Source.String(), Err: known.err}
	}
	return known.by, nil
}

func (c *Checker) answerTo(asked question) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known[asked] == nil {
		c.known[asked] = &answer{}
	}
	return c.known[asked]
}

// search looks through the signatures of one artifact until one will do.
type search struct {
	checker *Checker
	origin  plan.Origin
	subject signature.Subject
	failure UnsignedError
	// unknown is why some of the signatures cannot be had.
	unknown error
}

func (s *search) run(ctx context.Context) (*signature.By, error) {
	by := s.in(ctx, s.subject.Digest.Algorithm+"-"+s.subject.Digest.Hex+".sig") // cosign's tag
	if by == nil {
		by = s.referring(ctx)
	}
	switch {
	case by != nil:
		return by, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case s.unknown != nil:
		return nil, fmt.Errorf("whether it is signed is not known: %w", s.unknown)
	}
	return nil, &s.failure
}

// referring looks through what refers to the artifact.
func (s *search) referring(ctx context.Context) *signature.By {
	referrers, err := s.origin.Source.Referrers(ctx, s.origin.Repository, s.subject.Digest)
	if err != nil {
		s.missed(err)
		return nil
	}
	for _, referrer := range referrers {
		if !mayBeSignature(referrer) {
			continue
		}
		if by := s.in(ctx, referrer.Digest.String()); by != nil || s.failure.More || ctx.Err() != nil {
			return by
		}
	}
	return nil
}

// mayBeSignature leaves out what says that it is something else.
func mayBeSignature(referrer v1.Descriptor) bool {
	if signature.IsBundle(referrer.ArtifactType) {
		predicate := referrer.Annotations[predicateAnnotation]
		return predicate == "" || predicate == signature.SignedPredicate
	}
	return referrer.ArtifactType == simpleReferrer
}

// in looks through the signatures in one manifest; there may be no such manifest.
func (s *search) in(ctx context.Context, reference string) *signature.By {
	manifest, err := s.origin.Source.Manifest(ctx, s.origin.Repository, reference)
	if errors.Is(err, registry.ErrUnknownType) {
		return nil
	}
	if err != nil {
		s.missed(err)
		return nil
	}
	links, err := oci.Parse(manifest)
	if err != nil {
		s.failed(err)
		return nil
	}
	for _, layer := range links.Layers {
		simple := layer.MediaType == signature.SimpleType
		if !simple && !signature.IsBundle(string(layer.MediaType)) {
			continue
		}
		if s.failure.Found == mostSignatures {
			s.failure.More = true
			return nil
		}
		s.failure.Found++
		if by := s.layer(ctx, layer, simple); by != nil || ctx.Err() != nil {
			return by
		}
	}
	return nil
}

// layer checks one signature.
func (s *search) layer(ctx context.Context, layer v1.Descriptor, simple bool) *signature.By {
	most := int64(signature.MaxBundle)
	if simple {
		most = signature.MaxPayload
	}
	if layer.Size > most {
		s.failed(fmt.Errorf("%w: it has %d bytes", signature.ErrMalformed, layer.Size))
		return nil
	}
	text, done, err := s.checker.read(ctx, s.origin, layer)
	defer done()
	if err != nil {
		s.missed(err)
		return nil
	}
	var by *signature.By
	if simple {
		by, err = s.checker.rules.Trust.Simple(s.subject, text, layer.Annotations)
	} else {
		by, err = s.checker.rules.Trust.Bundle(s.subject, text)
	}
	if err != nil {
		s.failed(err)
	}
	return by
}

// failed notes why a signature will not do.
func (s *search) failed(err error) {
	reason := err.Error()
	if len(s.failure.Reasons) < mostReasons && !slices.Contains(s.failure.Reasons, reason) {
		s.failure.Reasons = append(s.failure.Reasons, reason)
	}
}

// missed notes why something could not be read. What is not there is no signature, and what is not
// what it should be is a wrong one; anything else may come right another time.
func (s *search) missed(err error) {
	switch {
	case errors.Is(err, registry.ErrDigestMismatch):
		s.failed(err)
	case !errors.Is(err, registry.ErrNotFound):
		s.unknown = err
	}
}
