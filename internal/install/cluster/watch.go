package cluster

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
)

// CheckSelector tells whether a text is a selector of labels, as kubectl takes one.
func CheckSelector(selector string) error {
	_, err := labels.Parse(selector)
	return err
}

// EachNamespace calls do with the namespaces that a selector of labels chooses, at once and then
// again whenever that may have changed, and every so often, until ctx ends. Namespaces on their
// way out are left out. What cannot be listed is told, and tried again.
func (c *Cluster) EachNamespace(ctx context.Context, selector string, every time.Duration, do func(names []string), failed func(error)) {
	for ctx.Err() == nil {
		began := time.Now()
		names, version, err := c.selected(ctx, selector)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failed(err)
			sleep(ctx, min(every, afterFailure))
		default:
			do(names)
			c.awaitChange(ctx, selector, version, every)
			sleep(ctx, betweenRounds-time.Since(began))
		}
	}
}

// NamespacesWith are the namespaces that a selector of labels chooses, but for those on their way out.
func (c *Cluster) NamespacesWith(ctx context.Context, selector string) ([]string, error) {
	names, _, err := c.selected(ctx, selector)
	return names, err
}

// afterFailure is how long an API server that fails is left alone, and betweenRounds how far apart
// rounds begin at least, however much happens.
const (
	afterFailure  = 10 * time.Second
	betweenRounds = time.Second
)

// selected are the namespaces that a selector chooses, and the version of the list.
func (c *Cluster) selected(ctx context.Context, selector string) (names []string, version string, err error) {
	opts := metav1.ListOptions{LabelSelector: selector, Limit: 500}
	for {
		page, err := c.Resource(namespaces, "").List(ctx, opts)
		if err != nil {
			return nil, "", Explain(fmt.Errorf("listing namespaces: %w", err))
		}
		for i := range page.Items {
			if page.Items[i].GetDeletionTimestamp() == nil {
				names = append(names, page.Items[i].GetName())
			}
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return names, page.GetResourceVersion(), nil
		}
	}
}

// awaitChange returns when a namespace of a selector comes or changes, or after a while. A watch
// that ends, or cannot be had, is no failure: the list is read again all the same.
func (c *Cluster) awaitChange(ctx context.Context, selector, version string, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	events, err := c.Resource(namespaces, "").Watch(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: version})
	if err != nil {
		<-ctx.Done()
		return
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if event.Type == watch.Added || event.Type == watch.Modified {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
