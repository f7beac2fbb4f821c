package checkup

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

func TestVendorByHost(t *testing.T) {
	for host, want := range map[string]Vendor{
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com":  ECR,
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": ECR,
		"123.dkr.ecr.example.com":                          Unknown,
		"europe-docker.pkg.dev":                            Google,
		"eu.gcr.io":                                        Google,
		"notgcr.io":                                        Unknown,
		"team.azurecr.io":                                  Azure,
		"team.jfrog.io":                                    Artifactory,
		"registry.gitlab.com":                              GitLab,
		"quay.io":                                          Quay,
		"myquay.io":                                        Unknown,
		"ghcr.io":                                          GitHub,
		"registry.example.com:5000":                        Unknown,
		"team.azurecr.io:443":                              Azure,
	} {
		client, err := remote.New(host, remote.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := newExamination(Options{Client: client, Recorder: new(Recorder)}).vendor(); got != want {
			t.Errorf("vendor() of %s = %q, want %q", host, got, want)
		}
	}
}
