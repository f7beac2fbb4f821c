// Package chart reads Helm charts and answers what a relocation asks of them: which
// images a chart would run, which values make it run from another registry, and whether
// anything in its manifests still names the old one.
//
// Parse, ReadFile and Fetch give a Chart; Chart.Render gives a Rendering without a
// cluster; Rendering.Images and Rendering.Leftovers look at every string of it. Rewrite
// computes values. Nothing here talks to a cluster or prints.
package chart
