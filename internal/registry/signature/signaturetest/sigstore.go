package signaturetest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"testing"
	"time"

	bundlepb "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	commonpb "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	dssepb "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	rekorpb "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"google.golang.org/protobuf/encoding/protojson"
)

// Sigstore is an authority for identities with a log of its own.
type Sigstore struct {
	t       testing.TB
	virtual *ca.VirtualSigstore
}

// NewSigstore makes one.
func NewSigstore(t testing.TB) *Sigstore {
	t.Helper()
	virtual, err := ca.NewVirtualSigstore()
	must(t, err)
	return &Sigstore{t, virtual}
}

// Root is its trust root: trusted_root.json.
func (s *Sigstore) Root() []byte { return s.root(s.logs()) }

// RootWithoutLogs is a trust root that knows nobody who could say when something was signed.
func (s *Sigstore) RootWithoutLogs() []byte { return s.root(nil) }

// RootWithCT wants certificates to stand in a log, too, which those of this sigstore do not.
func (s *Sigstore) RootWithCT() []byte {
	return s.marshal(root.NewTrustedRoot(root.TrustedRootMediaType01, s.virtual.FulcioCertificateAuthorities(), s.rename(s.virtual.CTLogs()), nil, s.logs()))
}

func (s *Sigstore) root(logs map[string]*root.TransparencyLog) []byte {
	return s.marshal(root.NewTrustedRoot(root.TrustedRootMediaType01, s.virtual.FulcioCertificateAuthorities(), nil, nil, logs))
}

func (s *Sigstore) marshal(trusted *root.TrustedRoot, err error) []byte {
	s.t.Helper()
	must(s.t, err)
	text, err := trusted.MarshalJSON()
	must(s.t, err)
	return text
}

func (s *Sigstore) logs() map[string]*root.TransparencyLog { return s.rename(s.virtual.RekorLogs()) }

// rename gives logs their names as they are: the library's own are in hexadecimal already.
func (s *Sigstore) rename(logs map[string]*root.TransparencyLog) map[string]*root.TransparencyLog {
	s.t.Helper()
	named := maps.Clone(logs)
	for id, log := range named {
		raw, err := hex.DecodeString(id)
		must(s.t, err)
		log.ID = raw
	}
	return named
}

// Simple signs a payload in cosign's classic form as an identity, and returns the annotations of
// its layer.
func (s *Sigstore) Simple(identity, issuer string, payload []byte) map[string]string {
	s.t.Helper()
	entity, err := s.virtual.SignAtTime(identity, issuer, payload, time.Now().Add(5*time.Minute))
	must(s.t, err)
	content, err := entity.SignatureContent()
	must(s.t, err)
	verification, err := entity.VerificationContent()
	must(s.t, err)
	certificate, err := cryptoutils.MarshalCertificateToPEM(verification.Certificate())
	must(s.t, err)
	entries, err := entity.TlogEntries()
	must(s.t, err)
	entry := entries[0].TransparencyLogEntry()
	body := map[string]any{
		"body": entry.CanonicalizedBody, "integratedTime": entry.IntegratedTime,
		"logIndex": entry.LogIndex, "logID": hex.EncodeToString(entry.LogId.KeyId),
	}
	set := entry.GetInclusionPromise().GetSignedEntryTimestamp()
	if set == nil {
		set = s.promise(entry)
	}
	logged, err := json.Marshal(map[string]any{"SignedEntryTimestamp": set, "Payload": body})
	must(s.t, err)
	return map[string]string{
		"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(content.Signature()),
		"dev.sigstore.cosign/certificate":    string(certificate),
		"dev.sigstore.cosign/bundle":         string(logged),
	}
}

// Bundle signs a statement as an identity, and returns the bundle.
func (s *Sigstore) Bundle(identity, issuer string, statement []byte) []byte {
	s.t.Helper()
	entity, err := s.virtual.AttestAtTime(identity, issuer, statement, time.Now().Add(5*time.Minute), true)
	must(s.t, err)
	content, err := entity.SignatureContent()
	must(s.t, err)
	verification, err := entity.VerificationContent()
	must(s.t, err)
	entries, err := entity.TlogEntries()
	must(s.t, err)
	entry := entries[0].TransparencyLogEntry()
	entry.InclusionPromise = &rekorpb.InclusionPromise{SignedEntryTimestamp: s.promise(entry)}
	entry.KindVersion = &rekorpb.KindVersion{Kind: "dsse", Version: "0.0.1"}
	text, err := protojson.Marshal(&bundlepb.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &bundlepb.VerificationMaterial{
			Content:     &bundlepb.VerificationMaterial_Certificate{Certificate: &commonpb.X509Certificate{RawBytes: verification.Certificate().Raw}},
			TlogEntries: []*rekorpb.TransparencyLogEntry{entry},
		},
		Content: &bundlepb.Bundle_DsseEnvelope{DsseEnvelope: &dssepb.Envelope{
			Payload: statement, PayloadType: statementType,
			Signatures: []*dssepb.Signature{{Sig: content.Signature()}},
		}},
	})
	must(s.t, err)
	return text
}

// promise is the log's signed word that an entry is in it.
func (s *Sigstore) promise(entry *rekorpb.TransparencyLogEntry) []byte {
	s.t.Helper()
	raw, err := s.virtual.RekorSignPayload(payloadOf(entry))
	must(s.t, err)
	return raw
}
