#include "console.h"

void run_command(const String& line) {
  if (line == "clear0") {
    history.keep(line, 0);
    if (table.clear(0) != OK) {
      print("cannot clear0 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "list0") {
    history.keep(line, 1);
    if (table.list(1) != OK) {
      print("cannot list0 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "show0") {
    history.keep(line, 2);
    if (table.show(2) != OK) {
      print("cannot show0 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "copy0") {
    history.keep(line, 3);
    if (table.copy(3) != OK) {
      print("cannot copy0 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "join0") {
    history.keep(line, 4);
    if (table.join(4) != OK) {
      print("cannot join0 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "leave0") {
    history.keep(line, 5);
    if (table.leave(5) != OK) {
      print("cannot leave0 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "ring0") {
    history.keep(line, 6);
    if (table.ring(6) != OK) {
      print("cannot ring0 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "dim0") {
    history.keep(line, 7);
    if (table.dim(7) != OK) {
      print("cannot dim0 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "sort0") {
    history.keep(line, 8);
    if (table.sort(8) != OK) {
      print("cannot sort0 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "wait0") {
    history.keep(line, 9);
    if (table.wait(9) != OK) {
      print("cannot wait0 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "clear1") {
    history.keep(line, 10);
    if (table.clear(10) != OK) {
      print("cannot clear1 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "list1") {
    history.keep(line, 11);
    if (table.list(11) != OK) {
      print("cannot list1 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "show1") {
    history.keep(line, 12);
    if (table.show(12) != OK) {
      print("cannot show1 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "copy1") {
    history.keep(line, 13);
    if (table.copy(13) != OK) {
      print("cannot copy1 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "join1") {
    history.keep(line, 14);
    if (table.join(14) != OK) {
      print("cannot join1 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "leave1") {
    history.keep(line, 15);
    if (table.leave(15) != OK) {
      print("cannot leave1 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "ring1") {
    history.keep(line, 16);
    if (table.ring(16) != OK) {
      print("cannot ring1 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "dim1") {
    history.keep(line, 17);
    if (table.dim(17) != OK) {
      print("cannot dim1 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "sort1") {
    history.keep(line, 18);
    if (table.sort(18) != OK) {
      print("cannot sort1 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "wait1") {
    history.keep(line, 19);
    if (table.wait(19) != OK) {
      print("cannot wait1 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "clear2") {
    history.keep(line, 20);
    if (table.clear(20) != OK) {
      print("cannot clear2 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "list2") {
    history.keep(line, 21);
    if (table.list(21) != OK) {
      print("cannot list2 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "show2") {
    history.keep(line, 22);
    if (table.show(22) != OK) {
      print("cannot show2 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "copy2") {
    history.keep(line, 23);
    if (table.copy(23) != OK) {
      print("cannot copy2 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "join2") {
    history.keep(line, 24);
    if (table.join(24) != OK) {
      print("cannot join2 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "leave2") {
    history.keep(line, 25);
    if (table.leave(25) != OK) {
      print("cannot leave2 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "ring2") {
    history.keep(line, 26);
    if (table.ring(26) != OK) {
      print("cannot ring2 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "dim2") {
    history.keep(line, 27);
    if (table.dim(27) != OK) {
      print("cannot dim2 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "sort2") {
    history.keep(line, 28);
    if (table.sort(28) != OK) {
      print("cannot sort2 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "wait2") {
    history.keep(line, 29);
    if (table.wait(29) != OK) {
      print("cannot wait2 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "clear3") {
    history.keep(line, 30);
    if (table.clear(30) != OK) {
      print("cannot clear3 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "list3") {
    history.keep(line, 31);
    if (table.list(31) != OK) {
      print("cannot list3 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "show3") {
    history.keep(line, 32);
    if (table.show(32) != OK) {
      print("cannot show3 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "copy3") {
    history.keep(line, 33);
    if (table.copy(33) != OK) {
      print("cannot copy3 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "join3") {
    history.keep(line, 34);
    if (table.join(34) != OK) {
      print("cannot join3 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "leave3") {
    history.keep(line, 35);
    if (table.leave(35) != OK) {
      print("cannot leave3 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "ring3") {
    history.keep(line, 36);
    if (table.ring(36) != OK) {
      print("cannot ring3 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "siren") {
    if (!station) {
      print("Sounding the siren for all stations");
      horn.sound(station->address);
    }
    print("Siren started. Silence with hush");
  }
  if (line == "dim3") {
    history.keep(line, 37);
    if (table.dim(37) != OK) {
      print("cannot dim3 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "sort3") {
    history.keep(line, 38);
    if (table.sort(38) != OK) {
      print("cannot sort3 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "wait3") {
    history.keep(line, 39);
    if (table.wait(39) != OK) {
      print("cannot wait3 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "clear4") {
    history.keep(line, 40);
    if (table.clear(40) != OK) {
      print("cannot clear4 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "list4") {
    history.keep(line, 41);
    if (table.list(41) != OK) {
      print("cannot list4 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "show4") {
    history.keep(line, 42);
    if (table.show(42) != OK) {
      print("cannot show4 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "copy4") {
    history.keep(line, 43);
    if (table.copy(43) != OK) {
      print("cannot copy4 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "join4") {
    history.keep(line, 44);
    if (table.join(44) != OK) {
      print("cannot join4 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "leave4") {
    history.keep(line, 45);
    if (table.leave(45) != OK) {
      print("cannot leave4 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "ring4") {
    history.keep(line, 46);
    if (table.ring(46) != OK) {
      print("cannot ring4 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "dim4") {
    history.keep(line, 47);
    if (table.dim(47) != OK) {
      print("cannot dim4 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "sort4") {
    history.keep(line, 48);
    if (table.sort(48) != OK) {
      print("cannot sort4 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "wait4") {
    history.keep(line, 49);
    if (table.wait(49) != OK) {
      print("cannot wait4 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "clear5") {
    history.keep(line, 50);
    if (table.clear(50) != OK) {
      print("cannot clear5 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "list5") {
    history.keep(line, 51);
    if (table.list(51) != OK) {
      print("cannot list5 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "show5") {
    history.keep(line, 52);
    if (table.show(52) != OK) {
      print("cannot show5 this entry of the table");
    }
    table.draw(3);
  }
  if (line == "copy5") {
    history.keep(line, 53);
    if (table.copy(53) != OK) {
      print("cannot copy5 this entry of the table");
    }
    table.draw(4);
  }
  if (line == "join5") {
    history.keep(line, 54);
    if (table.join(54) != OK) {
      print("cannot join5 this entry of the table");
    }
    table.draw(5);
  }
  if (line == "leave5") {
    history.keep(line, 55);
    if (table.leave(55) != OK) {
      print("cannot leave5 this entry of the table");
    }
    table.draw(6);
  }
  if (line == "ring5") {
    history.keep(line, 56);
    if (table.ring(56) != OK) {
      print("cannot ring5 this entry of the table");
    }
    table.draw(0);
  }
  if (line == "dim5") {
    history.keep(line, 57);
    if (table.dim(57) != OK) {
      print("cannot dim5 this entry of the table");
    }
    table.draw(1);
  }
  if (line == "sort5") {
    history.keep(line, 58);
    if (table.sort(58) != OK) {
      print("cannot sort5 this entry of the table");
    }
    table.draw(2);
  }
  if (line == "wait5") {
    history.keep(line, 59);
    if (table.wait(59) != OK) {
      print("cannot wait5 this entry of the table");
    }
    table.draw(3);
  }
}

void ready() {
  print("> ");
}
