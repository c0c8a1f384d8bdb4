let wrongValues: [WrongFile] = [
    WrongFile(
        "codes",
        "suppliers:\n  - { code: ac me, name: A }\n  - { code: \"\", name: A }\n  - { code: \(String(repeating: "x", count: 33)), name: A }\n  - { code: läb, name: A }\n",
        #"2:15: suppliers[0].code: expected 1 to 32 letters, digits, hyphens, underscores or dots, found "ac me""#,
        #"3:13: suppliers[1].code: expected 1 to 32 letters, digits, hyphens, underscores or dots, found """#,
        #"4:13: suppliers[2].code: expected 1 to 32 letters, digits, hyphens, underscores or dots, found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#,
        #"5:14: suppliers[3].code: expected 1 to 32 letters, digits, hyphens, underscores or dots, found "läb""#),
    WrongFile(
        "logins", "people:\n  - { login: 1st, name: A, role: admin }\n  - { login: mia meier, name: A, role: admin }\n",
        #"2:14: people[0].login: expected a Unix login of 1 to 32 letters, digits, hyphens, underscores or dots, which begins with a letter or an underscore, found "1st""#,
        #"3:17: people[1].login: expected a Unix login of 1 to 32 letters, digits, hyphens, underscores or dots, which begins with a letter or an underscore, found "mia meier""#
    ),
    WrongFile(
        "names", "suppliers:\n  - { code: a, name: \" \" }\n  - { code: b, name: \"two\\nlines\" }\n",
        #"2:22: suppliers[0].name: expected 1 to 200 characters in one line, found " ""#,
        #"3:22: suppliers[1].name: expected 1 to 200 characters in one line, found "two\nlines""#),
    WrongFile(
        "a role", "people:\n  - { login: a, name: A, role: boss }\n  - { login: b, name: B, role: membr }\n",
        #"2:32: people[0].role: there is no role "boss"; known: "admin", "department_lead", "team_lead", "member""#,
        #"3:32: people[1].role: there is no role "membr"; did you mean "member"?"#),
    WrongFile(
        "a grant", "people:\n  - { login: a, name: A, role: admin, grants: [deliver, \"unit:write\", admin] }\n",
        #"2:57: people[0].grants[1]: there is no grant "unit:write"; did you mean "units:write"? Known: "units:write", "stock:adjust", "defects:mark", "defects:manage", "returns:manage", "returns:inspect", "deliver", "labels:print", "audit:read", "metrics:read", "station:terminal""#,
        #"2:71: people[0].grants[2]: there is no grant "admin"; known: "units:write", "stock:adjust", "defects:mark", "defects:manage", "returns:manage", "returns:inspect", "deliver", "labels:print", "audit:read", "metrics:read", "station:terminal""#
    ),
    WrongFile(
        "badges",
        "people:\n  - { login: a, name: A, role: admin, badge: \"TRV:1\" }\n  - { login: b, name: B, role: admin, badge: hmac-sha256:12 }\n  - { login: c, name: C, role: admin, badge: Größe }\n  - { login: d, name: D, role: admin, badge: [1007] }\n",
        "2:46: people[0].badge: a badge can't begin with TRV: as control codes do; leave the prefix out",
        "3:46: people[1].badge: expected 64 hexadecimal digits after hmac-sha256:, found 2 characters",
        "4:46: people[2].badge: expected a badge code of 1 to 64 printable ASCII characters, which does not begin with TRV:",
        "5:46: people[3].badge: expected text, found a list"),
    WrongFile(
        "a routing without stages", "routings:\n  - { code: board }\n  - { code: panel, stages: [] }\n",
        "2:5: routings[0].stages: a routing needs at least one stage",
        "3:28: routings[1].stages: a routing needs at least one stage"),
    WrongFile(
        "stages",
        """
        routings:
          - code: board
            stages:
              - { name: QA }
              - { name: qa, optional: maybe, verdict: yes, max_iterations: -1 }
              - { name: qa }
              - { name: 2nd }
              - coating
        """,
        #"4:17: routings[0].stages[0].name: expected 1 to 32 lower-case letters, digits, hyphens or underscores, first a letter, found "QA""#,
        #"5:31: routings[0].stages[1].optional: expected true or false, found "maybe""#,
        #"5:47: routings[0].stages[1].verdict: expected `required`, or no such key, found "yes""#,
        #"5:68: routings[0].stages[1].max_iterations: expected a whole number from 0 to 1000000000, found "-1""#,
        #"6:17: routings[0].stages[2].name: this routing has a stage "qa" already; names are unique in it"#,
        #"7:17: routings[0].stages[3].name: expected 1 to 32 lower-case letters, digits, hyphens or underscores, first a letter, found "2nd""#,
        "8:9: routings[0].stages[4]: expected keys such as { name: assembly }, found text"),
    WrongFile(
        "times since other stages",
        """
        routings:
          - code: board
            stages:
              - { name: coating, min_since: { stage: coating, time: 2h } }
              - { name: testing, min_since: { stage: qa, time: 2h } }
              - { name: qa, min_since: { stage: coatin, time: 2 hours }, max_since: { stage: soldering } }
              - { name: pack, min_since: { stage: qa, time: 2h }, max_since: { stage: qa, time: 90m } }
        """,
        #"4:46: routings[0].stages[0].min_since.stage: stage "coating" is not before this one; name an earlier stage"#,
        #"5:46: routings[0].stages[1].min_since.stage: stage "qa" is not before this one; name an earlier stage"#,
        #"6:41: routings[0].stages[2].min_since.stage: there is no earlier stage "coatin"; did you mean "coating"?"#,
        #"6:55: routings[0].stages[2].min_since.time: expected a time such as 1500ms, 2s, 10m, 1h or 2d, found "2 hours""#,
        "6:77: routings[0].stages[2].max_since.time: missing key `time`",
        #"6:86: routings[0].stages[2].max_since.stage: there is no earlier stage "soldering"; known: "coating", "testing""#,
        "7:89: routings[0].stages[3].max_since.time: this can never be met; it must be longer than the time of `min_since`"
    ),
    WrongFile(
        "a product's numbers",
        """
        products:
          - { code: P1, name: P, type: part, low_stock: -1, min_stock: 1.5, cost: -3, spare_part: 2 }
          - { code: P2, name: P, type: part, cost: 1.23456 }
          - { code: P3, name: P, type: part, gtin: 4006381333932 }
          - { code: P4, name: P, type: part, gtin: 4006381333931 }
          - { code: P5, name: P, type: part, gtin: "04006381333931" }
        """,
        #"2:49: products[0].low_stock: expected a whole number from 0 to 1000000000, found "-1""#,
        #"2:64: products[0].min_stock: expected a whole number from 0 to 1000000000, found "1.5""#,
        #"2:75: products[0].cost: expected an amount such as 12.50, of 0 or more and at most four decimals, found "-3""#,
        #"2:91: products[0].spare_part: expected true or false, found "2""#,
        #"3:44: products[1].cost: expected an amount such as 12.50, of 0 or more and at most four decimals, found "1.23456""#,
        #"4:44: products[2].gtin: expected a GTIN of 8, 12, 13 or 14 digits with its check digit, found "4006381333932""#,
        #"6:44: products[4].gtin: this is the GTIN of "P4" too; every product has its own"#),
    WrongFile(
        "serial patterns, exactly where they are wrong",
        """
        products:
          - { code: P1, name: P, type: pcb, serial: { pattern: "{product}-{sek:4}", per: week } }
          - code: P2
            name: P
            type: pcb
            serial:
              pattern: 'A{seq:4} B'
          - { code: P3, name: P, type: pcb, serial: { pattern: "A-{seq:4}", per: wek } }
          - { code: P4, name: P, type: pcb, serial: { pattern: "A-{seq:4}", per: day } }
        """,
        "2:67: products[0].serial.pattern: cannot use {sek:4}: there are {product} {order} {yy} {yyyy} {mm} {dd} {ww} {seq:4} {check:luhn} {check:mod37_36}",
        "7:25: products[1].serial.pattern: cannot use a space in a serial: use printable ASCII without spaces and braces",
        #"8:74: products[2].serial.per: there is no period "wek"; did you mean "week"?"#,
        "9:59: products[3].serial.pattern: cannot count per day without the date: days would repeat serials; add {yy} or {yyyy}, {mm} and {dd}"
    ),
    WrongFile(
        "serial rules",
        """
        products:
          - { code: P1, name: P, type: pcb, serial: { external: "[A-Z" } }
          - { code: P2, name: P, type: pcb, serial: { external: "[A-Z]+", pattern: "{seq:4}" } }
          - { code: P3, name: P, type: pcb, serial: { per: day } }
          - { code: P4, name: P, type: pcb, serial: "{seq:4}" }
          - { code: P5, name: P, type: pcb, serial: { external: "[A-Z]+", per: day } }
        """,
        "2:58: products[0].serial.external: this [ has no ]",
        #"3:45: products[1].serial: expected either `pattern` or `external`, such as { pattern: "{product}-{seq:4}", per: product } or { external: "[A-Z]{2}[0-9]+" }"#,
        #"4:45: products[2].serial: expected either `pattern` or `external`, such as { pattern: "{product}-{seq:4}", per: product } or { external: "[A-Z]{2}[0-9]+" }"#,
        #"5:45: products[3].serial: expected keys such as { pattern: "{product}-{seq:4}", per: product } or { external: "[A-Z]{2}[0-9]+" }, found text"#,
        "6:72: products[4].serial.per: only a pattern counts per period; leave it out"),
    WrongFile(
        "expressions for serials that take more than time linear in the serial, and what is none",
        """
        products:
          - { code: P1, name: P, type: pcb, serial: { external: '([A-Z]+)-\\1' } }
          - { code: P2, name: P, type: pcb, serial: { external: "SN(?=[0-9])[A-Z0-9]+" } }
          - { code: P3, name: P, type: pcb, serial: { external: "(?<!X)SN" } }
          - { code: P4, name: P, type: pcb, serial: { external: "[A-Z]++X" } }
          - { code: P5, name: P, type: pcb, serial: { external: "((A{1000}){1000}){1000}" } }
          - { code: P6, name: P, type: pcb, serial: { external: "SN)[0-9]+" } }
          - { code: P7, name: P, type: pcb, serial: { external: "(?i)SN[0-9]+" } }
          - { code: P8, name: P, type: pcb, serial: { external: "[Z-A]" } }
          - { code: P9, name: P, type: pcb, serial: { external: "*SN" } }
        """,
        "2:67: products[0].serial.external: cannot match a back-reference in time linear in the serial; write out what the serials look like without it",
        "3:60: products[1].serial.external: cannot match a look-ahead in time linear in the serial; write out what the serials look like without it",
        "4:58: products[2].serial.external: cannot match a look-behind in time linear in the serial; write out what the serials look like without it",
        "5:64: products[3].serial.external: cannot match a possessive repetition (a + after a repetition) in time linear in the serial; write out what the serials look like without it",
        "6:58: products[4].serial.external: the repetitions in this expression multiply to too much; use fewer or smaller ones",
        #"7:60: products[5].serial.external: this ) closes no group; write \) for the character"#,
        "8:58: products[6].serial.external: cannot use this kind of group; there are ( ), (?: ) and (?<name> ), and for either case write both letters, as in [Aa]",
        #"9:59: products[7].serial.external: expected a range from a character to a later one, such as A-Z; write \- for the character"#,
        #"10:58: products[8].serial.external: there is nothing to repeat before *; write \* for the character"#),
    WrongFile(
        "names that a scan would take for something else",
        """
        people:
          - { login: a, name: A, role: admin, badge: "4006381333931" }
          - { login: b, name: B, role: admin, badge: "]C01007" }
          - { login: c, name: C, role: admin, badge: "(01)04006381333931(21)7" }
          - { login: d, name: D, role: admin, badge: P2 }
        products:
          - { code: P1, name: P, type: part, gtin: "04006381333931" }
          - { code: P2, name: P, type: part }
          - { code: "00012345678905", name: P, type: part }
          - { code: P4, name: P, type: part, gtin: "012345678905" }
          - { code: P5, name: P, type: part, gtin: "042100005264" }
          - { code: "04252614", name: P, type: part }
          - { code: P7, name: P, type: pcb, serial: { pattern: "(21){seq:4}" } }
          - { code: P8, name: P, type: pcb, serial: { pattern: "]C0{seq:4}" } }
          - { code: "0104006381333931", name: P, type: part }
        """,
        "3:46: people[1].badge: a scan of this badge would be read without its first three characters: ]C0 is an AIM identifier; use another badge code",
        "4:46: people[2].badge: a scan of this badge would be read as a GS1 code; use another badge code",
        #"7:44: products[0].gtin: "4006381333931" is the badge of "a"; badges and products differ"#,
        #"8:13: products[1].code: "P2" is the badge of "d"; badges and products differ"#,
        #"10:44: products[3].gtin: "00012345678905" is the code of another product; codes and GTINs differ"#,
        #"11:44: products[4].gtin: "04252614" is the code of another product; codes and GTINs differ"#,
        "13:56: products[6].serial.pattern: a scan of these serials would be read as a GS1 code",
        "14:56: products[7].serial.pattern: a scan of these serials would be read without its first three characters: ]C0 is an AIM identifier",
        "15:13: products[8].code: a scan of this code would be read as a GS1 code; use another"),
    WrongFile(
        "label templates, exactly where they are wrong",
        """
        labels:
          - name: small
            zpl: |  # in the printer's own language
              ^XA

              ^FO180,40^A0N,40^FD{{serail}}^FS
              ^XZ
          - name: indented
            zpl: |2
                ^XA ^FO{{serial}}^FS ^XZ
          - { name: quoted, zpl: '^XA^FD{{order^FS^XZ' }
          - { name: escaped, zpl: "^XA\\n^FD{{order^FS^XZ" }
        """,
        "6:26: labels[0].zpl: there is no field {{serail}}; did you mean {{serial}}? The fields are: serial, product.code, product.name, product.gtin, product.attributes.NAME, order, order.due, iteration, date, time, copy",
        "10:16: labels[1].zpl: a field can stand in field data only, after ^FD or ^FV: elsewhere it could become a command",
        "11:33: labels[2].zpl: {{ is never closed; a field is written {{serial}}",
        "12:27: labels[3].zpl: {{ is never closed; a field is written {{serial}}"),
    WrongFile(
        "settings",
        """
        settings:
          timezone: Europe/Berln
          double_read: 1500
          undo_within: 10 minutes
          sign_off_after: 99999999999999999999d
          rework_stage: assembly
          return_locations: { new: RETURN-NEW, worn: RETURN-USED }
        """,
        #"2:13: settings.timezone: there is no time zone "Europe/Berln" on this machine; expected a name such as Europe/Berlin"#,
        #"3:16: settings.double_read: expected a time such as 1500ms, 2s, 10m, 1h or 2d, found "1500""#,
        #"4:16: settings.undo_within: expected a time such as 1500ms, 2s, 10m, 1h or 2d, found "10 minutes""#,
        #"5:19: settings.sign_off_after: expected a time such as 1500ms, 2s, 10m, 1h or 2d, or `never`, found "99999999999999999999d""#,
        #"6:17: settings.rework_stage: there is no stage "assembly" in any routing; none is defined"#,
        #"7:46: settings.return_locations.worn: there is no condition "worn"; known: "new", "like_new", "good", "damaged", "defective", "unsellable""#
    ),
    WrongFile(
        "refunds and checklists",
        """
        settings:
          refund_policy: { reasons: { damaged: 101, broken: 5 }, conditions: { good: half } }
          return_checklists: { return: [], swap: [x] }
        """,
        #"2:40: settings.refund_policy.reasons.damaged: expected a percentage from 0 to 100, found "101""#,
        #"2:45: settings.refund_policy.reasons.broken: unknown key `broken`; expected one of `wrong_item`, `damaged`, `changed_mind`, `defective`, `size_issue`, `other`"#,
        #"2:78: settings.refund_policy.conditions.good: expected a percentage from 0 to 100, found "half""#,
        #"3:32: settings.return_checklists.return: a checklist has 1 to 100 questions"#,
        #"3:36: settings.return_checklists.swap: unknown key `swap`; expected one of `return`, `exchange`"#
    ),
    WrongFile(
        "a time zone that leaves the directory", "settings: { timezone: ../../../etc/passwd }\n",
        #"1:23: settings.timezone: there is no time zone "../../../etc/passwd" on this machine; expected a name such as Europe/Berlin"#
    ),
    WrongFile(
        "a time zone that is a directory", "settings: { timezone: Europe }\n",
        #"1:23: settings.timezone: there is no time zone "Europe" on this machine; expected a name such as Europe/Berlin"#
    ),
]

let wrongStations: [WrongFile] = [
    WrongFile(
        "modes",
        """
        stations:
          - { name: A-1, mode: pas }
          - { name: A-2, mode: assembly }
          - { name: A-3 }
          - { name: A.4, mode: lookup }
        """,
        #"2:24: stations[0].mode: there is no mode "pas"; did you mean "pass"?"#,
        #"3:24: stations[1].mode: mode "assembly" is not available yet; expected one of "label", "pass", "verdict", "ship", "returns", "lookup""#,
        "4:5: stations[2].mode: missing key `mode`",
        #"5:14: stations[3].name: expected 1 to 32 letters, digits, hyphens or underscores, found "A.4""#),
    WrongFile(
        "the stages of stations",
        """
        routings: [{ code: board, stages: [{ name: assembly }, { name: qa, verdict: required }] }]
        stations:
          - { name: A-1, mode: pass }
          - { name: A-2, mode: verdict, stages: [] }
          - { name: A-3, mode: ship, stages: [qa] }
          - { name: A-4, mode: pass, stages: [assembly, qa, asembly, assembly] }
          - { name: A-5, mode: pass, stages: assembly, sign_on: always }
        """,
        "3:5: stations[0].stages: a pass station needs the `stages` that it performs",
        "4:41: stations[1].stages: a verdict station needs the `stages` that it performs",
        "5:38: stations[2].stages: a ship station performs no stages; leave `stages` out",
        #"6:49: stations[3].stages[1]: stage "qa" needs a verdict in routing "board"; make this a verdict station (mode: verdict)"#,
        #"6:53: stations[3].stages[2]: there is no stage "asembly" in any routing; did you mean "assembly"?"#,
        "6:62: stations[3].stages[3]: this stage is listed twice; keep one",
        "7:38: stations[4].stages: expected a list of stage names, found text",
        #"7:57: stations[4].sign_on: expected `required`, or no such key, found "always""#),
    WrongFile(
        "printers",
        """
        stations:
          - name: A-1
            mode: lookup
            printers:
              - file:labels/
              - file:labels/
              - file:../labels
              - file:/tmp/labels
              - usb:1
              - tcp://10.0.0.7
              - tcp://10.0.0.7:0
              - tcp://[::1]:9100
              - tcp://
              - { tcp: host }
        """,
        "6:9: stations[0].printers[1]: this printer is listed twice; keep one",
        #"7:9: stations[0].printers[2]: expected port:ID_PATH, serial:NUMBER, file:NAME, file:DIRECTORY/ or tcp://HOST:PORT, found "file:../labels"; the path is relative, and no name in it begins with a dot"#,
        #"8:9: stations[0].printers[3]: expected port:ID_PATH, serial:NUMBER, file:NAME, file:DIRECTORY/ or tcp://HOST:PORT, found "file:/tmp/labels"; the path is relative, and no name in it begins with a dot"#,
        #"9:9: stations[0].printers[4]: expected port:ID_PATH, serial:NUMBER, file:NAME, file:DIRECTORY/ or tcp://HOST:PORT, found "usb:1""#,
        #"11:9: stations[0].printers[6]: expected port:ID_PATH, serial:NUMBER, file:NAME, file:DIRECTORY/ or tcp://HOST:PORT, found "tcp://10.0.0.7:0"; a port is 1 to 65535"#,
        #"13:9: stations[0].printers[8]: expected port:ID_PATH, serial:NUMBER, file:NAME, file:DIRECTORY/ or tcp://HOST:PORT, found "tcp://""#,
        "14:9: stations[0].printers[9]: expected text, found a mapping of keys"),
    WrongFile(
        "scanners",
        """
        stations:
          - name: A-1
            mode: lookup
            scanners:
              - { node: /dev/input/event3, layout: de }
              - { node: dev/input/event4 }
              - { node: /dev/input/event5, layout: dvorak }
              - { port: "pci-0000:00:14.0-usb-0:2:1.0", serial: SN-1 }
              - { serial: "SN 77001" }
              - {}
              - { port: "pci-0000:00:14.0-usb-0:2:1.0", baud: 9601 }
            slips: some
          - { name: A-2, mode: lookup, scanners: [{ node: /dev/input/event3 }] }
          - { name: A-3, mode: lookup, scanners: [{ node: /dev/input/event3 }], retired: true }
          - { name: A-4, mode: lookup, slips: all }
        """,
        #"6:17: stations[0].scanners[1].node: expected a path such as /dev/input/event3, found "dev/input/event4""#,
        #"7:44: stations[0].scanners[2].layout: there is no keyboard layout "dvorak"; known: "us", "uk", "de", "fr""#,
        "8:9: stations[0].scanners[3]: a scanner has one address; keep one of port, serial",
        #"9:19: stations[0].scanners[4].serial: expected 1 to 255 printable characters without spaces, found "SN 77001""#,
        "10:9: stations[0].scanners[5]: a scanner needs a port, a serial or a node, as in { port: pci-0000:00:14.0-usb-0:2:1.0, layout: us }",
        #"11:55: stations[0].scanners[6].baud: expected one of 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, found "9601""#,
        #"12:12: stations[0].slips: there is no choice of slips "some"; known: "refused", "all""#,
        #"13:43: stations[1].scanners[0]: node:/dev/input/event3 is bound to station "A-1" already; a scanner has one station"#,
        "15:39: stations[3].slips: there is no printer for the slips; give the station `printers`"
    ),
]
