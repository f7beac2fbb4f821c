package integration_test

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// pairs are the registries between which a whole release is copied.
var pairs = []struct {
	name string
	rig  func(*testing.T) *rig
}{
	{"Debian to Debian, plain", func(t *testing.T) *rig {
		return &rig{
			source: newSide(t, registrytest.Debian(t, registrytest.Options{})),
			target: newSide(t, registrytest.Debian(t, registrytest.Options{})),
		}
	}},
	{"Debian to Debian, basic authentication, private authorities", func(t *testing.T) *rig {
		return &rig{
			source: newSide(t, registrytest.Debian(t, registrytest.Options{TLS: true, Accounts: accounts(vendorAccount)})),
			target: newSide(t, registrytest.Debian(t, registrytest.Options{TLS: true, Accounts: accounts(privateAccount)})),
		}
	}},
	{"distribution to distribution, tokens, private authorities", tokenRig},
	{"distribution with tokens to Debian with client certificates from certs.d", func(t *testing.T) *rig {
		r := &rig{
			source: newSide(t, registrytest.Distribution(t, registrytest.Options{
				Accounts: accounts(vendorAccount), Tokens: &registrytest.TokenOptions{},
			})),
			target: newSide(t, registrytest.Debian(t, registrytest.Options{ClientCerts: true, Accounts: accounts(privateAccount)})),
		}
		r.target.certsDir = r.target.CertsDir(t)
		return r
	}},
	{"in-process to distribution, basic authentication", func(t *testing.T) *rig {
		return &rig{
			source: newSide(t, registrytest.InProcess(t, registrytest.Options{Accounts: accounts(vendorAccount)})),
			target: newSide(t, registrytest.Distribution(t, registrytest.Options{TLS: true, Accounts: accounts(privateAccount)})),
		}
	}},
}

// tokenRig reads with an account that may only pull, as a vendor's customers do.
func tokenRig(t *testing.T) *rig {
	t.Helper()
	customer := registrytest.Account{Username: "customer", Password: "customer-token", PullOnly: true}
	r := &rig{
		source: newSide(t, registrytest.Distribution(t, registrytest.Options{
			TLS: true, Accounts: accounts(vendorAccount, customer), Tokens: &registrytest.TokenOptions{},
		})),
		target: newSide(t, registrytest.Distribution(t, registrytest.Options{
			TLS: true, Accounts: accounts(privateAccount), Tokens: &registrytest.TokenOptions{},
		})),
	}
	r.source.account = &customer
	return r
}

func accounts(a ...registrytest.Account) []registrytest.Account { return a }

// A whole release arrives with its digests, each blob fetched once and sent once, and
// copying it again costs one request a side for each artifact.
func TestWholeRelease(t *testing.T) {
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			t.Parallel()
			r := pair.rig(t)
			artifacts := r.artifacts(t, versions.Selection{Releases: []string{"v4.3.1"}})
			if len(artifacts) != 23 {
				t.Fatalf("v4.3.1 has %d artifacts, want 23", len(artifacts))
			}
			family := pushFamily(t, r, standin.Options{})

			cold(t, r, artifacts, family)
			r.wantSame(t, artifacts)
			warm(t, r, artifacts)
		})
	}
}

func cold(t *testing.T, r *rig, artifacts []versions.Artifact, family *family) {
	t.Helper()
	sourceTokens, targetTokens := r.source.tokens(), r.target.tokens()
	plan, report := r.mustCopy(t, artifacts, plan.Options{})
	source, target := r.source.counter.Reset(), r.target.counter.Reset()
	t.Logf("cold: source %v", source)
	t.Logf("cold: target %v", target)

	wantOneToken(t, "source", r.source, sourceTokens)
	wantOneToken(t, "target", r.target, targetTokens)
	if report.Copied != len(artifacts) {
		t.Errorf("cold: %d artifacts copied, want %d", report.Copied, len(artifacts))
	}
	if plan.BytesToMove != family.bytes() || len(plan.Blobs) != len(family.blobs) {
		t.Errorf("cold: the plan moves %d blobs of %d bytes, want %d of %d",
			len(plan.Blobs), plan.BytesToMove, len(family.blobs), family.bytes())
	}
	if got := source.Served(registrytest.GetBlob); got > len(family.blobs) {
		t.Errorf("cold: %d blobs fetched, want %d at most, each once", got, len(family.blobs))
	}
	// Manifests, lists of tags and errors come on top of the blobs.
	slack := int64(len(artifacts)) * 8 * kib
	if extra := source.BytesSent - family.bytes(); extra < 0 || extra > slack {
		t.Errorf("cold: the source sent %d bytes, want %d of blobs and at most %d besides", source.BytesSent, family.bytes(), slack)
	}
	if extra := target.BytesReceived - family.bytes(); extra < 0 || extra > slack {
		t.Errorf("cold: the target received %d bytes, want %d of blobs and at most %d besides", target.BytesReceived, family.bytes(), slack)
	}
}

// warm copies again what is there already. Looking for new signatures takes a list of each
// repository's tags and a question for referrers; all else is one request a side for each
// artifact.
func warm(t *testing.T, r *rig, artifacts []versions.Artifact) {
	t.Helper()
	tests := []struct {
		name    string
		opts    plan.Options
		besides []registrytest.Kind // requests that may come on top at the source,
		most    int                 // and how many of them
	}{
		{"without attachments", plan.Options{WithoutAttachments: true}, nil, 0},
		{"with attachments", plan.Options{},
			[]registrytest.Kind{registrytest.ListTags, registrytest.GetReferrers}, 4 + len(artifacts)},
	}
	for _, tt := range tests {
		r.resetCounts()
		plan, report := r.mustCopy(t, artifacts, tt.opts)
		if report.Present != len(artifacts) || plan.BytesToMove != 0 {
			t.Errorf("warm, %s: %d artifacts present and %d bytes to move, want %d and 0",
				tt.name, report.Present, plan.BytesToMove, len(artifacts))
		}
		source, target := r.source.counter.Counts(), r.target.counter.Counts()
		t.Logf("warm, %s: source %v", tt.name, source)
		t.Logf("warm, %s: target %v", tt.name, target)
		besides := 0
		for _, kind := range tt.besides {
			besides += source.Served(kind)
		}
		if besides > tt.most {
			t.Errorf("warm, %s: %d requests for attachments, want %d at most", tt.name, besides, tt.most)
		}
		wantRequests(t, "source", source, len(artifacts)+besides)
		wantRequests(t, "target", target, len(artifacts))
	}
}

// wantRequests checks how many requests a side served, authentication aside, and that
// nothing was sent to it.
func wantRequests(t *testing.T, side string, counts registrytest.Counts, want int) {
	t.Helper()
	if got := counts.Served() - counts.Served(registrytest.Ping); got != want {
		t.Errorf("%d requests at the %s, authentication aside, want %d: %v", got, side, want, counts)
	}
	if counts.BytesReceived != 0 {
		t.Errorf("the %s received %d bytes, want 0", side, counts.BytesReceived)
	}
}

// wantOneToken checks that a run took one token for all repositories, where tokens are used.
func wantOneToken(t *testing.T, name string, s *side, before int) {
	t.Helper()
	if s.Tokens == nil {
		return
	}
	if got := s.tokens() - before; got != 1 {
		t.Errorf("cold: %d tokens taken at the %s, want 1", got, name)
	}
}
