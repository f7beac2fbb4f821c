// Package attestation says at the target where its artifacts have come from: a statement in in-toto's
// form, as a referrer of each. It is a note and no proof, for nobody signs it.
//
//	writer := &attestation.Writer{Target: target, Tool: "pgrelocate/v1.2.0"}
//	added, err := writer.Write(ctx, attestation.Facts{Source: source, Target: to, Digest: digest})
package attestation

import (
	"encoding/json"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Predicate is the type of what is stated.
const Predicate = "https://github.com/pgrelocate/pgrelocate/relocation/v1"

// statementType is the media type of an in-toto statement that nobody has signed, as build tools
// attach theirs.
const statementType types.MediaType = "application/vnd.in-toto+json"

// The annotations by which an attestation is known in a listing of referrers, so that the same
// facts are not attested twice.
const (
	annotationPredicate = "in-toto.io/predicate-type"
	annotationSource    = "io.github.pgrelocate.source"
	annotationCreated   = "org.opencontainers.image.created"
)

// Facts are what is attested of one artifact.
type Facts struct {
	Source, Target ref.Reference
	// Digest is what the target has.
	Digest v1.Hash
	// SourceDigest is what the source had, where that is another; it may be empty.
	SourceDigest string
	// Present says that it was at the target before.
	Present bool
	// Lock is the digest of the lock that names it; it may be empty.
	Lock string
	// Key, or Identity and Issuer, are who has signed it; empty where nobody has asked.
	Key, Identity, Issuer string
}

// statement is the form of in-toto.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// predicate is what is said of the subject.
type predicate struct {
	Source       string `json:"source"`
	SourceDigest string `json:"sourceDigest,omitempty"`
	Target       string `json:"target"`
	// At is when this was written, and Present says that the artifact was there before.
	At      string `json:"at"`
	Present bool   `json:"presentBefore,omitempty"`
	By      string `json:"by"`
	Lock    string `json:"lock,omitempty"`
	// SignedBy is whose signature was checked before it was copied.
	SignedBy *signer `json:"signedBy,omitempty"`
}

type signer struct {
	Key      string `json:"key,omitempty"`
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
}

// state is the statement of facts.
func (f Facts) state(tool string, at time.Time) ([]byte, error) {
	said := predicate{
		Source: f.Source.String(), Target: f.Target.String(), SourceDigest: f.SourceDigest,
		At: at.Format(time.RFC3339), Present: f.Present, By: tool, Lock: f.Lock,
	}
	if f.Key != "" || f.Identity != "" {
		said.SignedBy = &signer{f.Key, f.Identity, f.Issuer}
	}
	return json.Marshal(statement{
		Type:          "https://in-toto.io/Statement/v1",
		Subject:       []subject{{Name: f.Target.Host + "/" + f.Target.Repository, Digest: map[string]string{f.Digest.Algorithm: f.Digest.Hex}}},
		PredicateType: Predicate,
		Predicate:     said,
	})
}

// empty is the config of a manifest that has none.
var empty = []byte("{}")

const emptyType types.MediaType = "application/vnd.oci.empty.v1+json"

// manifest is the referrer that carries a statement.
func (f Facts) manifest(about v1.Descriptor, config, layer v1.Descriptor, at time.Time) (oci.Manifest, error) {
	body, err := json.Marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     types.OCIManifestSchema1,
		"artifactType":  statementType,
		"config":        config,
		"layers":        []v1.Descriptor{layer},
		"subject":       v1.Descriptor{MediaType: about.MediaType, Digest: about.Digest, Size: about.Size},
		"annotations":   f.annotations(at),
	})
	if err != nil {
		return oci.Manifest{}, err
	}
	return oci.New(types.OCIManifestSchema1, body)
}

func (f Facts) annotations(at time.Time) map[string]string {
	return map[string]string{
		annotationPredicate: Predicate,
		annotationSource:    f.Source.String(),
		annotationCreated:   at.Format(time.RFC3339),
	}
}

// Is tells whether something that is listed as a referrer is such an attestation, whoever has it put there.
func Is(referrer v1.Descriptor) bool { return referrer.Annotations[annotationPredicate] == Predicate }

// attestedBy tells whether a referrer attests the same: the subject is in the listing's question, the
// source in its answer. When, and by which lock, makes no other fact of it.
func (f Facts) attestedBy(referrer v1.Descriptor) bool {
	return Is(referrer) && referrer.Annotations[annotationSource] == f.Source.String()
}
