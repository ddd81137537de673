int display_blit(int page)
{
    return page;
}
