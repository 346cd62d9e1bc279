package plotting

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// HTMLTable shows rows under a head, in the style data frames have in notebooks. With index, the n-th
// of its strings stands before the n-th row. Rows may be shorter than the head.
func HTMLTable(head []string, rows [][]string, index ...string) *Figure {
	return &Figure{html: tableHTML(head, rows, index), text: tableText(head, rows, index)}
}

func tableHTML(head []string, rows [][]string, index []string) string {
	var b strings.Builder
	b.WriteString("<table border=\"1\" class=\"dataframe\">\n  <thead>\n    <tr style=\"text-align: right;\">\n")
	if index != nil {
		b.WriteString("      <th></th>\n")
	}
	for _, h := range head {
		fmt.Fprintf(&b, "      <th>%s</th>\n", html.EscapeString(h))
	}
	b.WriteString("    </tr>\n  </thead>\n  <tbody>\n")
	for r, row := range rows {
		b.WriteString("    <tr>\n")
		if index != nil {
			name := ""
			if r < len(index) {
				name = index[r]
			}
			fmt.Fprintf(&b, "      <th>%s</th>\n", html.EscapeString(name))
		}
		for _, c := range row {
			fmt.Fprintf(&b, "      <td>%s</td>\n", html.EscapeString(c))
		}
		b.WriteString("    </tr>\n")
	}
	b.WriteString("  </tbody>\n</table>")
	return b.String()
}

// tableText sets columns right-aligned, two blanks apart.
func tableText(head []string, rows [][]string, index []string) string {
	all := append([][]string{head}, rows...)
	if index != nil {
		for r := range all {
			name := ""
			if r > 0 && r <= len(index) {
				name = index[r-1]
			}
			all[r] = append([]string{name}, all[r]...)
		}
	}
	var width []int
	for _, row := range all {
		for c, s := range row {
			if c == len(width) {
				width = append(width, 0)
			}
			width[c] = max(width[c], utf8.RuneCountInString(s))
		}
	}
	lines := make([]string, len(all))
	for r, row := range all {
		var b strings.Builder
		for c, s := range row {
			if c > 0 {
				b.WriteString("  ")
			}
			b.WriteString(strings.Repeat(" ", width[c]-utf8.RuneCountInString(s)) + s)
		}
		lines[r] = b.String()
	}
	return strings.Join(lines, "\n")
}
