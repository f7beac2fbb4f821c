package doctor

import (
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/finding"
	inside "github.com/pgrelocate/pgrelocate/internal/install/checkup"
	"github.com/pgrelocate/pgrelocate/internal/registry/checkup"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Each registry has its own way to make what has to be there.
func TestCreateRepositories(t *testing.T) {
	repositories := []string{"team/operator", "team/instance"}
	for _, tt := range []struct {
		vendor checkup.Vendor
		host   string
		want   string
	}{
		{checkup.ECR, "1.dkr.ecr.eu-central-1.amazonaws.com", "for r in team/operator team/instance; do aws ecr create-repository --region eu-central-1 --repository-name $r; done"},
		{checkup.Harbor, "h", "make the project team in Harbor"},
		{checkup.GitLab, "registry.gitlab.com", "--registry registry.gitlab.com/GROUP/PROJECT"},
		{checkup.Artifactory, "a", "is team the key of a local Docker repository"},
		{checkup.Quay, "quay.io", "is there an organization team"},
		{checkup.Unknown, "h", "make team/operator, team/instance"},
	} {
		if got := createRepositories(tt.vendor, tt.host, repositories); !strings.Contains(got, tt.want) {
			t.Errorf("createRepositories(%s) = %q, want …%q…", tt.vendor, got, tt.want)
		}
	}
}

// A remedy without words would leave a user alone.
func TestEveryRemedyHasItsFix(t *testing.T) {
	e := &examination{Session: relocate.New(&config.Config{Registry: ref.Folder{Host: "r.example.com"}}, relocate.Options{})}
	for _, remedy := range []finding.Remedy{
		nameRegistry, "open", "proxy",
		checkup.LookUp, checkup.LogIn, checkup.Renew, checkup.Between, checkup.Encrypt, checkup.SetClock, checkup.SlowDown,
		checkup.AskFurther, checkup.Grant, checkup.RaiseLimit, checkup.CleanUp, checkup.CreateRepositories,
		inside.Allow, inside.InstallFirst, inside.MendWebhook, inside.OtherPlatform, inside.MakeSecret,
	} {
		found := finding.Failf(remedy, "it is broken")
		found.About = []string{"a", "b"}
		if entry := e.entry("target", "r.example.com", "", found); entry.Fix == "" || strings.Contains(entry.Fix, "%!") {
			t.Errorf("the fix of %q is %q", remedy, entry.Fix)
		}
	}
}
