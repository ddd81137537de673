int board_id()
{
    return 7;
}
