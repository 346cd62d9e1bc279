package plotting

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxColumn is how many characters of a text a column shows at most, as in data frames.
const maxColumn = 50

// HTMLTable shows rows under a head, in the style data frames have in notebooks. With index, the n-th
// of its strings stands before the n-th row. Rows may be shorter than the head. Numbers stand on the right,
// texts on the left. The text form shows 50 characters of each cell; Elided does so in all forms.
func HTMLTable(head []string, rows [][]string, index ...string) *Figure {
	left := textColumns(head, rows)
	return &Figure{html: tableHTML(head, rows, index, left), text: tableText(head, rows, index, left)}
}

// Elided is s on one line, cut to the 50 characters that a table's column shows, three dots for the rest.
func Elided(s string) string {
	s = strings.NewReplacer("\r", "", "\n", `\n`, "\t", " ").Replace(s)
	if utf8.RuneCountInString(s) <= maxColumn {
		return s
	}
	return string([]rune(s)[:maxColumn-3]) + "..."
}

// textColumns says which columns hold something that is neither a number nor left out.
func textColumns(head []string, rows [][]string) []bool {
	left := make([]bool, len(head))
	for _, row := range rows {
		for c, s := range row {
			if c < len(left) && s != "" && s != "..." && s != "…" {
				_, err := strconv.ParseFloat(strings.TrimSuffix(strings.ReplaceAll(s, ",", ""), "%"), 64)
				left[c] = left[c] || err != nil
			}
		}
	}
	return left
}

const leftAligned = ` style="text-align: left;"`

// alignment is what the element of a cell in column c carries.
func alignment(left []bool, c int) string {
	if c < len(left) && left[c] {
		return leftAligned
	}
	return ""
}

func tableHTML(head []string, rows [][]string, index []string, left []bool) string {
	var b strings.Builder
	b.WriteString("<table border=\"1\" class=\"dataframe\">\n  <thead>\n    <tr style=\"text-align: right;\">\n")
	if index != nil {
		b.WriteString("      <th></th>\n")
	}
	for c, h := range head {
		fmt.Fprintf(&b, "      <th%s>%s</th>\n", alignment(left, c), html.EscapeString(h))
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
		for c, s := range row {
			fmt.Fprintf(&b, "      <td%s>%s</td>\n", alignment(left, c), html.EscapeString(s))
		}
		b.WriteString("    </tr>\n")
	}
	b.WriteString("  </tbody>\n</table>")
	return b.String()
}

// tableText sets columns two blanks apart, numbers right-aligned.
func tableText(head []string, rows [][]string, index []string, left []bool) string {
	all := [][]string{head}
	for _, row := range rows {
		short := make([]string, len(row))
		for c, s := range row {
			short[c] = Elided(s)
		}
		all = append(all, short)
	}
	if index != nil {
		for r := range all {
			name := ""
			if r > 0 && r <= len(index) {
				name = index[r-1]
			}
			all[r] = append([]string{name}, all[r]...)
		}
		left = append([]bool{false}, left...)
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
			pad := strings.Repeat(" ", width[c]-utf8.RuneCountInString(s))
			if c < len(left) && left[c] {
				b.WriteString(s + pad)
			} else {
				b.WriteString(pad + s)
			}
		}
		lines[r] = strings.TrimRight(b.String(), " ")
	}
	return strings.Join(lines, "\n")
}
