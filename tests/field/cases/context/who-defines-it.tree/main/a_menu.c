void menu_show(void)
{
    display_blit(0);
    display_blit(1);
}
