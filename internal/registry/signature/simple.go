package signature

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"

	bundlepb "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	commonpb "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekorpb "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// SimpleType is the media type of what cosign signs in its classic form: a layer of the manifest
// under the tag sha256-….sig, with the signature in its annotations.
const SimpleType = "application/vnd.dev.cosign.simplesigning.v1+json"

// The annotations of such a layer.
const (
	annotationSignature   = "dev.cosignproject.cosign/signature"
	annotationCertificate = "dev.sigstore.cosign/certificate"
	annotationLogged      = "dev.sigstore.cosign/bundle"
	annotationTimestamp   = "dev.sigstore.cosign/rfc3161timestamp"
)

// simpleMeaning is what such a payload has to say that it is.
const simpleMeaning = "cosign container image signature"

// Simple checks a signature in cosign's classic form: the payload that was signed, and the
// annotations of its layer.
func (t *Trust) Simple(subject Subject, payload []byte, annotations map[string]string) (by *By, err error) {
	defer recovered(&err)
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("%w: its payload has %d bytes", ErrMalformed, len(payload))
	}
	if err := subject.inSimple(payload); err != nil {
		return nil, err
	}
	signed, err := fromAnnotations(payload, annotations)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return t.check(signed, func() verify.ArtifactPolicyOption { return verify.WithArtifact(bytes.NewReader(payload)) })
}

// inSimple wants the payload to be about the subject.
func (s Subject) inSimple(payload []byte) error {
	var said struct {
		Critical struct {
			Identity struct {
				Reference string `json:"docker-reference"`
			} `json:"identity"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
			Type string `json:"type"`
		} `json:"critical"`
	}
	if err := jsonlimit.Unmarshal(payload, &said); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch c := said.Critical; {
	case c.Type != simpleMeaning:
		return fmt.Errorf("%w: a %q", ErrOther, c.Type)
	case c.Image.Digest != s.Digest.String():
		return fmt.Errorf("%w: %q", ErrOther, c.Image.Digest)
	case len(s.References) > 0 && !slices.Contains(s.References, c.Identity.Reference):
		return fmt.Errorf("%w: the name %q", ErrOther, c.Identity.Reference)
	}
	return nil
}

// fromAnnotations makes a bundle of a signature in the classic form, for which the library has no
// reader of its own.
func fromAnnotations(payload []byte, annotations map[string]string) (*bundle.Bundle, error) {
	raw, err := base64.StdEncoding.DecodeString(annotations[annotationSignature])
	if err != nil || len(raw) == 0 {
		return nil, fmt.Errorf("no signature in the annotation %s", annotationSignature)
	}
	material, err := materialOf(annotations)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(payload)
	return bundle.NewBundle(&bundlepb.Bundle{
		MediaType:            "application/vnd.dev.sigstore.bundle+json;version=0.1",
		VerificationMaterial: material,
		Content: &bundlepb.Bundle_MessageSignature{MessageSignature: &commonpb.MessageSignature{
			MessageDigest: &commonpb.HashOutput{Algorithm: commonpb.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     raw,
		}},
	})
}

// materialOf is what the annotations say of who has signed and when.
func materialOf(annotations map[string]string) (*bundlepb.VerificationMaterial, error) {
	material := &bundlepb.VerificationMaterial{
		Content: &bundlepb.VerificationMaterial_PublicKey{PublicKey: &commonpb.PublicKeyIdentifier{}},
	}
	if text := annotations[annotationCertificate]; text != "" {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, fmt.Errorf("no certificate in the annotation %s", annotationCertificate)
		}
		material.Content = &bundlepb.VerificationMaterial_X509CertificateChain{X509CertificateChain: &commonpb.X509CertificateChain{
			Certificates: []*commonpb.X509Certificate{{RawBytes: block.Bytes}},
		}}
	}
	if text := annotations[annotationLogged]; text != "" {
		entry, err := logEntry([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("the annotation %s: %w", annotationLogged, err)
		}
		material.TlogEntries = []*rekorpb.TransparencyLogEntry{entry}
	}
	if text := annotations[annotationTimestamp]; text != "" {
		var stamp struct {
			SignedRFC3161Timestamp []byte
		}
		if err := jsonlimit.Unmarshal([]byte(text), &stamp); err != nil {
			return nil, fmt.Errorf("the annotation %s: %w", annotationTimestamp, err)
		}
		material.TimestampVerificationData = &bundlepb.TimestampVerificationData{
			Rfc3161Timestamps: []*commonpb.RFC3161SignedTimestamp{{SignedTimestamp: stamp.SignedRFC3161Timestamp}},
		}
	}
	return material, nil
}

// logEntry reads what cosign keeps of a log's answer.
func logEntry(text []byte) (*rekorpb.TransparencyLogEntry, error) {
	var said struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           []byte `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}
	}
	if err := jsonlimit.Unmarshal(text, &said); err != nil {
		return nil, err
	}
	log, err := hex.DecodeString(said.Payload.LogID)
	if err != nil {
		return nil, fmt.Errorf("the log's name: %w", err)
	}
	var body struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(said.Payload.Body, &body); err != nil {
		return nil, fmt.Errorf("the log's entry: %w", err)
	}
	return &rekorpb.TransparencyLogEntry{
		LogIndex:          said.Payload.LogIndex,
		LogId:             &commonpb.LogId{KeyId: log},
		KindVersion:       &rekorpb.KindVersion{Kind: body.Kind, Version: body.Version},
		IntegratedTime:    said.Payload.IntegratedTime,
		InclusionPromise:  &rekorpb.InclusionPromise{SignedEntryTimestamp: said.SignedEntryTimestamp},
		CanonicalizedBody: said.Payload.Body,
	}, nil
}
