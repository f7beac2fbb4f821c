// Package valuetree follows paths into a chart's values, sets and copies them.
package valuetree
