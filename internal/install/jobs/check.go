package jobs

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// mostCronName leaves room for what a CronJob adds to the names of its jobs.
const mostCronName = 52

// check finds what Kubernetes does not take.
func (p Pod) check() error {
	for _, one := range []struct{ what, name string }{{"name", p.Name}, {"namespace", p.Namespace}} {
		if err := cluster.CheckLabel(one.what, one.name); err != nil {
			return err
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
	return cluster.CheckName(what, name)
}

// checkIndexed finds what an Indexed Job cannot be: its pods are called after it and their index.
func (p Pod) checkIndexed(opts MirrorOptions) error {
	if most := validation.DNS1123LabelMaxLength - len(fmt.Sprintf("-%d", opts.Workers-1)); len(p.Name) > most {
		return fmt.Errorf("name %q: of a job of %d pods it has %d characters at most", p.Name, opts.Workers, most)
	}
	if opts.Retries < 0 || opts.Retries > math.MaxInt32 {
		return fmt.Errorf("retries %d: 0 is none, %d the most", opts.Retries, math.MaxInt32)
	}
	return checkObject("claim", opts.Claim)
}

// times is a field of a schedule, as cron has it: numbers, or days and months by their three letters.
var times = regexp.MustCompile(`^([*?]|[0-9]{1,3}|[A-Za-z]{3})([-,/]([*?]|[0-9]{1,3}|[A-Za-z]{3}))*$`)

// scales are the fields of a schedule, with the numbers that each can have.
var scales = []struct {
	name      string
	low, high int
}{{"minute", 0, 59}, {"hour", 0, 23}, {"day", 1, 31}, {"month", 1, 12}, {"weekday", 0, 6}}

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
	if len(fields) != len(scales) || slices.ContainsFunc(fields, other) {
		return fmt.Errorf("schedule %q: write minute, hour, day, month and weekday, 17 2 * * *", schedule)
	}
	for i, scale := range scales {
		if !within(fields[i], scale.low, scale.high) {
			return fmt.Errorf("schedule %q: the %s %s is none; it goes from %d to %d", schedule, scale.name, fields[i], scale.low, scale.high)
		}
	}
	return nil
}

// within tells whether the numbers of a field are among those that it can have, ranges go upwards and steps
// forward.
func within(field string, low, high int) bool {
	for part := range strings.SplitSeq(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
			return false
		}
		from, to, _ := strings.Cut(span, "-")
		last := low
		for _, bound := range []string{from, to} {
			n, err := strconv.Atoi(bound)
			if err != nil { // a name, all, or nothing
				continue
			}
			if n < last || n > high {
				return false
			}
			last = n
		}
	}
	return true
}
