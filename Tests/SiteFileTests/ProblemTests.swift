import SiteFile
import Testing

/// A site file with mistakes, and the lines that it is refused with.
struct WrongFile: Sendable, CustomTestStringConvertible {
    let what: String
    let text: String
    let problems: [String]
    var testDescription: String { what }

    init(_ what: String, _ text: String, _ problems: String...) {
        (self.what, self.text, self.problems) = (what, text, problems)
    }
}

@Suite struct ProblemTests {
    @Test(arguments: wrongShapes + wrongReferences + wrongValues + wrongStations)
    func isRefused(_ file: WrongFile) {
        let refused = #expect(throws: SiteFileProblems.self) { try parse(file.text) }
        #expect(refused?.description == file.problems.joined(separator: "\n"))
    }
}

let wrongShapes: [WrongFile] = [
    WrongFile(
        "a section misspelt", "statoins: []\n",
        "1:1: statoins: unknown key `statoins`; did you mean `stations`?"),
    WrongFile(
        "a key misspelt", "routings:\n  - code: board\n    stagess: [{ name: qa }]\n",
        "3:5: routings[0].stagess: unknown key `stagess`; did you mean `stages`?"),
    WrongFile(
        "a required key misspelt", "suppliers:\n  - { code: acme, nam: Acme }\n",
        "2:19: suppliers[0].nam: unknown key `nam`; did you mean `name`?"),
    WrongFile(
        "a key that is like no other", "suppliers:\n  - { code: acme, name: Acme, colour: red }\n",
        "2:31: suppliers[0].colour: unknown key `colour`; expected one of `code`, `name`, `retired`"),
    WrongFile(
        "a key repeated", "suppliers:\n  - code: acme\n    name: Acme\n    name: Acme Boards\n",
        "3:5: suppliers[0].name: the key `name` is repeated; keep one"),
    WrongFile(
        "sections repeated, and a mistake after them",
        "suppliers: []\nsuppliers: []\nsuppliers: []\n\"teams\": []\n'teams': []\nlabel: []\n",
        "1:1: suppliers: the key `suppliers` is repeated; keep one",
        "2:1: suppliers: the key `suppliers` is repeated; keep one",
        "4:1: teams: the key `teams` is repeated; keep one",
        "6:1: label: unknown key `label`; did you mean `labels`?"),
    WrongFile(
        "a section that is no list", "teams: { smt: SMT }\n",
        "1:8: teams: expected a list of entries such as { code: smt, name: SMT, department: electronics }, found a mapping of keys"
    ),
    WrongFile(
        "a file that is a list", "- departments\n",
        "1:1: expected keys such as products: and stations:, found a list"),
    WrongFile(
        "a file that is a word", "hello\n",
        "1:1: expected keys such as products: and stations:, found text"),
    WrongFile(
        "an entry that is a word", "suppliers:\n  - acme\n",
        "2:5: suppliers[0]: expected keys such as { code: acme, name: Acme Boards }, found text"),
    WrongFile(
        "missing keys", "products:\n  - code: P\n",
        "2:5: products[0].name: missing key `name`",
        "2:5: products[0].type: missing key `type`"),
    WrongFile(
        "a missing code",
        "teams:\n  - { name: SMT, department: d }\ndepartments: [{ code: d, name: D }]\npeople: [{ login: m, name: M, role: member, team: smt }]",
        "2:5: teams[0].code: missing key `code`"),
    WrongFile(
        "an empty value", "suppliers:\n  - code: acme\n    name:\n",
        "3:10: suppliers[0].name: expected a value, found nothing"),
    WrongFile(
        "a list for text", "suppliers:\n  - { code: acme, name: [Acme] }\n",
        "2:25: suppliers[0].name: expected text, found a list"),
    WrongFile(
        "a code taken twice",
        "suppliers:\n  - { code: acme, name: Acme }\n  - { code: bolt, name: Bolt }\n  - { code: acme, name: Acme 2 }\n",
        #"4:13: suppliers[2].code: "acme" is taken by the entry at 2:5; each has its own `code`"#),
    WrongFile(
        "a key that is a list", "? [a]\n: b\n",
        "1:3: expected a word as the key, found a list"),
    WrongFile(
        "text that YAML takes for a boolean", "suppliers:\n  - { code: acme, name: No }\n",
        #"2:25: suppliers[0].name: expected text, found `No`, which YAML can take for true or false; if it is text write "No""#
    ),
    WrongFile(
        "broken YAML", "suppliers:\n  - { code: acme, name: Acme\nteams: []\n",
        "3:6: cannot read the YAML: while parsing a flow mapping that begins at 2:5, did not find expected ',' or '}'"),
    WrongFile(
        "an indentation that doesn't fit", "suppliers:\n  - code: acme\n     name: Acme\n",
        "3:10: cannot read a key here; begin it in the same column as the keys beside it"),
    WrongFile(
        "a tab for indentation", "suppliers:\n\t- { code: acme, name: Acme }\n",
        "2:1: cannot read a tab here; indent with spaces"),
    WrongFile(
        "a text that is never closed", "suppliers:\n  - { code: acme, name: \"Acme }\n",
        "3:1: cannot read the YAML: while scanning a quoted scalar that begins at 2:25, found unexpected end of stream"),
    WrongFile(
        "an alias", "suppliers:\n  - &a { code: acme, name: Acme }\n  - *a\n",
        "2:5: cannot read anchors and aliases (& and *); write the value out in each place"),
    WrongFile(
        "an alias without an anchor", "suppliers:\n  - *a\n",
        "2:5: cannot read anchors and aliases (& and *); write the value out in each place"),
    WrongFile(
        "a tag", "suppliers:\n  - { code: !!binary YQ==, name: Acme }\n",
        "2:13: cannot read the tag tag:yaml.org,2002:binary; leave it out"),
    WrongFile(
        "two documents", "suppliers: []\n---\nteams: []\n",
        "2:1: cannot read a second document; a site file is one"),
    WrongFile(
        "a control character", "suppliers:\n  - { code: acme, name: A\u{7}cme }\n",
        "2:26: cannot read the character U+0007; a site file is plain text in UTF-8"),
]

let wrongReferences: [WrongFile] = [
    WrongFile(
        "references to nothing",
        """
        departments: [{ code: electronics, name: Electronics, lead: dorra }]
        teams:
          - { code: smt, name: SMT, department: electronic }
        people:
          - { login: dora, name: Dora, role: department_lead, department: electronics }
          - { login: mia, name: Mia, role: member, team: assembly-line }
        routings:
          - { code: board, stages: [{ name: qa }] }
        products:
          - { code: P1, name: P, type: pcb, routing: bord }
          - { code: P2, name: P, type: pcb, label: small, supplier: acme }
        """,
        #"1:61: departments[0].lead: there is no person "dorra"; did you mean "dora"?"#,
        #"3:41: teams[0].department: there is no department "electronic"; did you mean "electronics"?"#,
        #"6:50: people[1].team: there is no team "assembly-line"; known: "smt""#,
        #"10:46: products[0].routing: there is no routing "bord"; did you mean "board"?"#,
        #"11:44: products[1].label: there is no label "small"; none is defined"#,
        #"11:61: products[1].supplier: there is no supplier "acme"; none is defined"#),
    WrongFile(
        "references to retired entries",
        """
        teams: [{ code: smt, name: SMT, department: d }, { code: old, name: Old, department: gone, retired: true }]
        departments:
          - { code: d, name: D, retired: true }
        stations:
          - { name: ASK-1, mode: lookup, team: old }
          - { name: ASK-2, mode: lookup, team: nowhere, retired: true }
        """,
        #"1:45: teams[0].department: department "d" is retired; name one that is in use"#,
        #"5:40: stations[0].team: team "old" is retired; name one that is in use"#),
    WrongFile(
        "leads whose role doesn't fit",
        """
        departments: [{ code: d, name: D, lead: lena }]
        teams:
          - { code: smt, name: SMT, department: d, lead: dora }
          - { code: qa, name: QA, department: d, lead: lena }
        people:
          - { login: dora, name: Dora, role: department_lead, department: d }
          - { login: lena, name: Lena, role: team_lead, team: smt }
        """,
        #"1:41: departments[0].lead: "lena" can't lead this department; give that person role: department_lead and department: d"#,
        #"3:50: teams[0].lead: "dora" can't lead this team; give that person role: team_lead and team: smt"#,
        #"4:48: teams[1].lead: "lena" can't lead this team; give that person role: team_lead and team: qa"#),
    WrongFile(
        "people without a place",
        """
        people:
          - { login: dora, name: Dora, role: department_lead }
          - { login: lena, name: Lena, role: team_lead }
          - { login: mia, name: Mia, role: member }
        """,
        "2:5: people[0].department: a department_lead needs a `department`",
        "3:5: people[1].team: a team_lead needs a `team`",
        "4:5: people[2].team: a member needs a `team`"),
    WrongFile(
        "a team in another department",
        """
        departments: [{ code: d, name: D }, { code: e, name: E }]
        teams: [{ code: smt, name: SMT, department: d }]
        people:
          - { login: mia, name: Mia, role: member, team: smt, department: e }
        """,
        #"4:67: people[0].department: team "smt" is in department "d""#),
    WrongFile(
        "one mistake is one problem",
        """
        departments: [{ code: d, name: D }]
        teams: [{ code: smt, name: SMT, department: d, lead: lena }]
        people:
          - { login: lena, name: Lena, role: teamlead, team: smt }
          - { login: mia, name: Mia, role: member, taem: smt }
        """,
        #"4:38: people[0].role: there is no role "teamlead"; did you mean "team_lead"?"#,
        "5:44: people[1].taem: unknown key `taem`; did you mean `team`?"),
    WrongFile(
        "the same badge twice, once as its hash",
        """
        departments: [{ code: d, name: D }]
        teams: [{ code: t, name: T, department: d }]
        people:
          - { login: a, name: A, role: member, team: t, badge: 1007 }
          - { login: b, name: B, role: member, team: t, badge: "\(digest("1007"))" }
          - { login: c, name: C, role: member, team: t, badge: 1007, retired: true }
        """,
        #"5:56: people[1].badge: this is the badge of "a" too; every person has their own"#),
]
