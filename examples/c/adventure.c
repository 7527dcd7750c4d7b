/* A text adventure: the lighthouse is dark, and a ship is coming.

       lrvm cc adventure.c && lrvm run adventure.elf

   Words: north south east west up down, look, take THING, drop THING, use THING, inventory, quit. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum direction { NORTH, SOUTH, EAST, WEST, UP, DOWN, DIRECTIONS };
enum { NOWHERE = -1, CARRIED = -2 };
enum place { JETTY, BEACH, CAVE, HUT, TOWER, LAMP_ROOM, PLACES };
enum thing { KEY, OIL, MATCHES, ROPE, THINGS };

static const char *const direction_names[] = {"north", "south", "east", "west", "up", "down"};

static const struct {
    const char *name, *text;
    signed char ways[DIRECTIONS];
} places[] = {
    [JETTY] = {"Jetty", "Planks over black water. The lighthouse stands dark in the north.",
               {BEACH, -1, -1, -1, -1, -1}},
    [BEACH] = {"Beach", "Shingle and wind. A hut in the east, rocks in the west, the tower north.",
               {TOWER, JETTY, HUT, CAVE, -1, -1}},
    [CAVE] = {"Cave", "It smells of tar. Somebody kept a boat here.", {-1, -1, BEACH, -1, -1, -1}},
    [HUT] = {"Keeper's hut", "A cold stove, a calendar of last year.", {-1, -1, -1, BEACH, -1, -1}},
    [TOWER] = {"Tower", "A round room. Stairs wind upward behind an iron door.",
               {-1, BEACH, -1, -1, LAMP_ROOM, -1}},
    [LAMP_ROOM] = {"Lamp room", "Glass all around, and the great lamp, empty.",
                   {-1, -1, -1, -1, -1, TOWER}},
};

static struct {
    const char *name, *text;
    signed char place;
} things[] = {
    [KEY] = {"key", "a rusty key", HUT},
    [OIL] = {"oil", "a can of oil", CAVE},
    [MATCHES] = {"matches", "a box of matches", HUT},
    [ROPE] = {"rope", "a coil of rope", JETTY},
};

static int here = JETTY, turns;
static int unlocked, filled, lit;

static int at_hand(int thing)
{
    return things[thing].place == here || things[thing].place == CARRIED;
}

static void look(void)
{
    printf("%s\n%s\n", places[here].name, places[here].text);
    for (int k = 0; k < THINGS; k++)
        if (things[k].place == here)
            printf("There is %s.\n", things[k].text);
}

static void go(int direction)
{
    int next = places[here].ways[direction];
    if (next == NOWHERE)
        puts("There is no way.");
    else if (next == LAMP_ROOM && !unlocked)
        puts("The iron door is locked.");
    else {
        here = next;
        look();
    }
}

static void take(int thing)
{
    if (things[thing].place == CARRIED)
        puts("You have it.");
    else if (things[thing].place != here)
        puts("It is not here.");
    else {
        things[thing].place = CARRIED;
        puts("Taken.");
    }
}

static void drop(int thing)
{
    if (things[thing].place != CARRIED)
        puts("You do not have it.");
    else {
        things[thing].place = here;
        puts("Dropped.");
    }
}

static void use(int thing)
{
    if (!at_hand(thing))
        puts("You do not have it.");
    else if (thing == KEY && here == TOWER && !unlocked) {
        unlocked = 1;
        puts("The iron door opens with a groan.");
    } else if (thing == OIL && here == LAMP_ROOM && !filled) {
        filled = 1;
        things[OIL].place = NOWHERE;
        puts("You fill the lamp.");
    } else if (thing == MATCHES && here == LAMP_ROOM) {
        if (filled) {
            lit = 1;
            puts("The lamp flares up. Far out, a ship turns away from the rocks.");
        } else
            puts("The lamp has no oil.");
    } else
        puts("Nothing happens.");
}

static void inventory(void)
{
    int count = 0;
    for (int k = 0; k < THINGS; k++)
        if (things[k].place == CARRIED)
            printf("%s%s", count++ ? ", " : "You carry ", things[k].text);
    puts(count ? "." : "You carry nothing.");
}

static int find(const char *word, const char *const *names, int count)
{
    for (int k = 0; k < count; k++)
        if (!strcmp(word, names[k]))
            return k;
    return -1;
}

/* The line in lower-case words, at most two. */
static int split(char *line, char *words[2])
{
    int count = 0;
    for (char *word = strtok(line, " \t\r\n"); word && count < 2; word = strtok(NULL, " \t\r\n")) {
        for (char *c = word; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        words[count++] = word;
    }
    return count;
}

static void obey(char *verb, char *object)
{
    static const char *const verbs[] = {"take", "drop", "use"};
    static void (*const actions[])(int) = {take, drop, use};
    const char *names[THINGS];
    for (int k = 0; k < THINGS; k++)
        names[k] = things[k].name;
    int direction = find(verb, direction_names, DIRECTIONS);
    int action = find(verb, verbs, 3);
    if (direction >= 0)
        go(direction);
    else if (action >= 0) {
        int thing = object ? find(object, names, THINGS) : -1;
        if (thing < 0)
            printf("What do you want to %s?\n", verb);
        else
            actions[action](thing);
    } else if (!strcmp(verb, "look"))
        look();
    else if (!strcmp(verb, "inventory"))
        inventory();
    else
        printf("I do not know how to %s.\n", verb);
}

int main(void)
{
    char line[120], *words[2];
    puts("A storm is coming, and so is a ship. You have landed at the old lighthouse.\n");
    look();
    for (;;) {
        printf("\n> ");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) {
            puts("\nYou wait for ever.");
            return 1;
        }
        words[1] = NULL;
        if (!split(line, words))
            continue;
        if (!strcmp(words[0], "quit"))
            return 1;
        turns++;
        obey(words[0], words[1]);
        if (lit) {
            printf("You have saved it in %d turns.\n", turns);
            return 0;
        }
    }
}
