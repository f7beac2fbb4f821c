package jobs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// What an API server would refuse is refused before it is printed: who has it applied by others hears of
// it much later.

// mostCronName leaves room for what a CronJob adds to the names of its jobs.
const mostCronName = 52

// check finds what Kubernetes does not take.
func (p Pod) check() error {
	for _, one := range []struct{ what, name string }{{"name", p.Name}, {"namespace", p.Namespace}} {
		if wrong := validation.IsDNS1123Label(one.name); len(wrong) > 0 {
			return fmt.Errorf("%s %q: %s", one.what, one.name, wrong[0])
		}
	}
	if err := checkObject("login secret", p.Login); err != nil {
		return err
	}
	if _, err := name.ParseReference(p.Image); err != nil {
		return fmt.Errorf("image %q is none: write HOST/REPOSITORY:TAG", p.Image)
	}
	if size, err := resource.ParseQuantity(p.TempSize); err != nil || size.Sign() <= 0 {
		return fmt.Errorf("size of what is temporary %q: write one such as 4Gi", p.TempSize)
	}
	return nil
}

// checkObject finds names of objects that cannot be; empty is none.
func checkObject(what, name string) error {
	if name == "" {
		return nil
	}
	if wrong := validation.IsDNS1123Subdomain(name); len(wrong) > 0 {
		return fmt.Errorf("%s %q: %s", what, name, wrong[0])
	}
	return nil
}

// checkIndexed finds what an Indexed Job cannot be: its pods are called after it and their index.
func (p Pod) checkIndexed(opts MirrorOptions) error {
	if most := validation.DNS1123LabelMaxLength - len(fmt.Sprintf("-%d", opts.Workers-1)); len(p.Name) > most {
		return fmt.Errorf("name %q: of a job of %d pods it has %d characters at most", p.Name, opts.Workers, most)
	}
	if opts.Retries < 0 {
		return fmt.Errorf("retries %d: 0 is none", opts.Retries)
	}
	return checkObject("claim", opts.Claim)
}

// times is a field of a schedule, as cron has it: numbers, or days and months by their three letters. What
// numbers there can be is for Kubernetes to say.
var times = regexp.MustCompile(`^([*?]|[0-9]+|[A-Za-z]{3})([-,/]([*?]|[0-9]+|[A-Za-z]{3}))*$`)

// checkCron finds what a CronJob cannot be.
func (p Pod) checkCron(schedule string) error {
	if len(p.Name) > mostCronName {
		return fmt.Errorf("name %q: of a CronJob it has %d characters at most", p.Name, mostCronName)
	}
	switch schedule {
	case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
		return nil
	}
	fields := strings.Fields(schedule)
	other := func(field string) bool { return !times.MatchString(field) }
	if len(fields) != 5 || slices.ContainsFunc(fields, other) {
		return fmt.Errorf("schedule %q: write minute, hour, day, month and weekday, 17 2 * * *", schedule)
	}
	return nil
}
