package incluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/clusters"
)

// verifyIndependence shows what in the cluster names somebody else's registry. What could not be
// looked at leaves it open whether there is more.
func verifyIndependence(ctx context.Context, a *app.App, cfg *config.Config, f *VerifyFlags) error {
	if f.noCluster || f.Pull || f.deep || len(f.accept) > 0 || f.bundle.Given() {
		return exit.Usagef("--independent looks at the cluster's objects alone, without --no-cluster, --pull, --deep, --accept or a bundle")
	}
	s := a.Session(cfg)
	defer s.Close()
	report, err := reaching.Independent(ctx, s, f.Destination)
	if err != nil {
		return err
	}
	if err := a.Print(cfg, clusters.NewIndependence(report)); err != nil {
		return err
	}
	switch {
	case len(report.Mentions) > 0 && report.Whole():
		return &exit.VerificationError{Err: fmt.Errorf("%d places name %s", len(report.Mentions), strings.Join(report.Hosts(), ", "))}
	case len(report.Mentions) > 0:
		return &exit.VerificationError{Err: fmt.Errorf("%d places name %s, and that is not the whole: %d kinds could not be looked at", len(report.Mentions), strings.Join(report.Hosts(), ", "), len(report.Unseen))}
	case !report.Whole():
		return fmt.Errorf("nothing that was seen names a registry of somebody else, and that is not the whole: %d kinds could not be looked at", len(report.Unseen))
	}
	a.Note("none of %d objects names a registry of somebody else", report.Objects)
	return nil
}
