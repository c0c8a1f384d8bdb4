/// Site files of the tests.
enum Site {
    /// A small electronics line.
    static let small = """
        departments:
          - { code: electronics, name: Electronics, lead: dora }
          - { code: service, name: Service, lead: sam }
        teams:
          - { code: smt, name: SMT line 1, department: electronics, lead: lena }
          - { code: finish, name: Finishing, department: electronics, lead: luis }
          - { code: desk, name: Returns desk, department: service, lead: rita }
        people:
          - { login: ada, name: Ada, role: admin }
          - { login: dora, name: Dora, role: department_lead, department: electronics }
          - { login: sam, name: Sam, role: department_lead, department: service }
          - { login: lena, name: Lena, role: team_lead, team: smt, grants: ["defects:manage"] }
          - { login: luis, name: Luis, role: team_lead, team: finish, grants: [deliver] }
          - { login: rita, name: Rita, role: team_lead, team: desk, grants: ["returns:manage"] }
          - { login: mia, name: Mia, role: member, team: smt, badge: "1007" }
          - { login: tom, name: Tom, role: member, team: finish, badge: "1008" }
          - { login: sid, name: Sid, role: member, team: smt, grants: ["station:terminal"] }
        suppliers:
          - { code: acme, name: Acme Boards }
        defect_types:
          - { code: SOLDER, name: Solder bridge, category: assembly }
        routings:
          - code: board
            stages: [{ name: assembly }, { name: testing, verdict: required }]
        labels:
          - name: unit-small
            zpl: |
              ^XA^CI28
              ^FO180,40^A0N,40^FD{{serial}}^FS
              ^FO180,90^A0N,28^FD{{product.name}} {{order}} {{date}} {{time}}^FS
              ^XZ
        products:
          - { code: PCB-100, name: Controller board, type: pcb, routing: board, label: unit-small, supplier: acme,
              cost: 12.50, serial: { pattern: "{product}-{seq:4}", per: product } }
          - { code: RES-10K, name: Resistor 10k, type: part, spare_part: true, min_stock: 100 }
        stations:
          - { name: LABEL-1, mode: label, team: smt, printers: ["file:labels/"] }
          - { name: ASSY-1, mode: pass, stages: [assembly], team: smt }
          - { name: TEST-1, mode: verdict, stages: [testing], team: finish }
          - { name: SHIP-1, mode: ship, team: finish }
          - { name: ASK-1, mode: lookup, team: smt }
        settings:
          timezone: Europe/Berlin
        """
}
