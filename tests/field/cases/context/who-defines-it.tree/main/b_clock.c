void clock_show(void)
{
    display_blit(2);
}
