package demo

// heritage is a group of names that occur together. The lists hold common
// names of public statistics and census tables; who bears one here is chosen
// by the seed.
type heritage struct {
	weight               int
	female, male, family string // separated by spaces; _ stands for a space within a name
	languages            string // BCP 47 codes other than en spoken by some
}

var heritages = []heritage{
	{38,
		"Abigail Alice Amelia Amy Andrea Anna Audrey Barbara Beth Betty Brenda Carol Caroline Catherine Charlotte Christine Claire Deborah Diane Dorothy Eleanor Elizabeth Ella Emily Emma Erin Evelyn Frances Grace Hannah Harriet Hazel Heather Helen Irene Isabel Jane Janet Jessica Joan Joyce Judith Julia Karen Kathleen Laura Lillian Linda Lucy Margaret Marion Martha Mary Megan Molly Nancy Natalie Nora Olivia Pamela Patricia Phyllis Rachel Rebecca Rose Ruth Samantha Sarah Sharon Sophie Susan Sylvia Teresa Victoria Virginia Wendy",
		"Aaron Adam Alan Albert Andrew Anthony Arthur Benjamin Brian Bruce Charles Christopher Craig David Dennis Donald Douglas Edward Eric Ernest Eugene Frank Frederick Gary George Gerald Gordon Gregory Harold Harry Henry Howard Ian Jack Jacob James Jason Jeffrey Joel John Jonathan Joseph Joshua Keith Kenneth Kevin Lawrence Leonard Lewis Mark Martin Matthew Michael Nathan Neil Nicholas Oliver Owen Patrick Paul Peter Philip Ralph Raymond Richard Robert Roger Ronald Roy Russell Samuel Scott Sean Simon Stanley Stephen Stuart Theodore Thomas Timothy Vernon Victor Vincent Walter Warren William",
		"Abbott Adams Allen Anderson Atkins Bailey Baker Barnes Bennett Bishop Bowman Brooks Bryant Burke Burton Butler Campbell Carpenter Carroll Carter Chapman Clark Coleman Cooper Crawford Curtis Daniels Davidson Dawson Dixon Doyle Duncan Edwards Elliott Ellis Farmer Ferguson Fletcher Foster Fowler Freeman Gardner Gibson Gordon Graham Grant Griffin Hale Hammond Harper Harrison Hawkins Henderson Hicks Holland Hopkins Hughes Hunter Jenkins Jennings Keller Kelley Kennedy Lambert Lawson Lynch Marsh Mason Matthews McCarthy Mills Mitchell Montgomery Moran Morris Murphy Nash Newton Norris O'Brien Osborne Palmer Parker Payne Pearson Perkins Porter Powell Quinn Reynolds Rhodes Richards Robertson Rowe Russell Sanders Saunders Shaw Simpson Spencer Stevens Sullivan Sutton Thornton Tucker Turner Wallace Walsh Warren Watkins Weaver Wheeler Whitaker Wilkins Woodward Yates", ""},
	{14,
		"Aaliyah Alicia Bernice Ebony Imani Jada Keisha Latoya Monique Naomi Nia Serena Shanice Tamika Vanessa Yolanda",
		"Andre Calvin Cedric Darius Darnell Dwayne Elijah Isaiah Jamal Jerome Malik Marcus Maurice Quincy Terrence Tyrone",
		"Banks Booker Broadnax Charles Dorsey Gaines Gadson Hairston Jefferson Mayfield Mosley Pettway Sykes Tolliver Washington Wilkerson", ""},
	{17,
		"Adriana Alejandra Ana Beatriz Camila Carmen Catalina Claudia Elena Esperanza Gabriela Guadalupe Isabella Josefina Lucia Luz Maria Mariana Marisol Paloma Pilar Rocio Rosario Sofia Valentina Ximena",
		"Alejandro Alonso Andres Arturo Carlos Cesar Diego Eduardo Emilio Enrique Ernesto Esteban Felipe Fernando Francisco Hector Ignacio Javier Jorge Jose Luis Manuel Miguel Rafael Ramon Rodrigo Salvador Santiago",
		"Acosta Aguilar Alvarez Cabrera Castillo Cervantes Contreras Cordero Cruz Dominguez Escobar Espinoza Estrada Figueroa Fuentes Guerrero Gutierrez Herrera Ibarra Jimenez Lozano Maldonado Medina Mendoza Molina Morales Nunez Ortega Pacheco Quintero Ramirez Rivera Rosales Salazar Sandoval Serrano Soto Valdez Vargas Velasquez Zamora", "es"},
	{7,
		"Fang Hui Jia Li Lan Mei Min Ning Qing Xia Xiu Yan Ying Yu",
		"Bo Chao Feng Gang Hao Jian Jun Lei Ming Peng Qiang Tao Wei Zhong",
		"Chen Deng Feng Gao Guo Han Huang Jiang Liang Lin Liu Luo Ma Pan Shen Song Sun Tang Wang Wu Xie Xu Yang Zhao Zheng Zhou Zhu", "zh"},
	{4,
		"Bich Hanh Hoa Huong Kim Linh Mai Ngoc Thao Thuy Eun-ji Hye-jin Min-seo Soo-jin Yuna",
		"Anh Bao Duc Dung Hieu Hung Khanh Minh Quan Tuan Dong-hyun Ji-hoon Min-jun Sung-min Tae-yang",
		"Bui Dang Dinh Duong Hoang Le Ngo Nguyen Pham Phan Tran Truong Vo Bae Choi Hwang Jeong Kang Kim Kwon Seo Shin Yoon", "vi ko"},
	{6,
		"Aditi Ananya Anjali Deepa Kavita Lakshmi Meera Nandini Neha Pooja Radha Rekha Sangeeta Shreya Sunita Usha",
		"Ajay Amit Anand Arjun Ashok Gopal Harish Kiran Manoj Mohan Nikhil Pradeep Rajesh Ravi Sanjay Suresh Vijay Vikram",
		"Agarwal Banerjee Bhatt Chatterjee Chopra Desai Gupta Iyengar Joshi Kapoor Khanna Kulkarni Mehta Menon Mukherjee Nair Patel Pillai Rao Reddy Sharma Singh Srinivasan Trivedi Verma", "hi"},
	{5,
		"Amal Aisha Dalia Farida Fatima Hala Huda Jamila Khadija Layla Leila Nadia Noor Rania Salma Samira Yasmin Zainab",
		"Abdullah Ahmad Ali Bilal Faisal Farid Hamza Hassan Ibrahim Idris Kareem Khalid Mahmoud Mustafa Nabil Omar Rashid Samir Tariq Yusuf",
		"Abdi Abbas Al-Masri Aziz Barakat Darwish El-Sayed Farah Hakim Hamdan Haddad Hussein Jaber Kassem Khalil Khoury Mansour Mubarak Nasser Qureshi Rahman Saleh Shaheen Siddiqui Toma", "ar"},
	{5,
		"Agnieszka Anastasia Daria Ewa Galina Irina Jelena Katarzyna Ludmila Magdalena Milena Natalia Oksana Olga Svetlana Tatiana Vera Zofia",
		"Aleksander Andrzej Bogdan Dmitri Goran Igor Ivan Jakub Kazimir Marek Mikhail Milan Nikolai Pavel Piotr Sergei Stefan Viktor Vladimir Zoran",
		"Babic Dvorak Fedorov Horvat Ivanova Jankowski Kaminski Kovac Kowalski Kravchenko Lewandowski Markovic Melnyk Mazur Nowak Orlov Pavlenko Petrov Popovic Sokolov Svoboda Wisniewski Zielinski", "pl uk ru"},
	{6,
		"Astrid Birgit Chiara Elisabetta Francesca Giulia Greta Ilse Johanna Katrin Lotte Paola Renata Sabine Silvia Sofie Ursula Eleni Katerina",
		"Alessandro Anders Dieter Emil Erik Fabio Gianni Giovanni Hans Jurgen Klaus Lars Lorenzo Marco Matteo Nikos Otto Rolf Stavros Ulrich Yiannis",
		"Andersen Bianchi Caruso Conti De_Luca Esposito Ferrari Fontana Hansen Hoffmann Jensen Johansson Karlsson Kraus Larsen Lehmann Mancini Moretti Muller Nielsen Papadakis Pappas Ricci Rizzo Romano Schmidt Schneider Van_der_Berg Vogel Weber Zimmermann", "it de el"},
	{5,
		"Abena Adaeze Adwoa Akosua Amina Chiamaka Chioma Efua Esi Ifeoma Makena Ngozi Nkechi Wanjiru Yetunde Zola",
		"Ade Babajide Chidi Emeka Femi Jabari Kofi Kwabena Kwame Obinna Olumide Segun Tendai Thabo Tunde Uche",
		"Abara Achebe Adebayo Addo Agyeman Asante Balogun Chukwu Dlamini Eze Kamau Mensah Moyo Mwangi Ndlovu Nkosi Nwosu Obi Odhiambo Ogunleye Ojo Okeke Osei Owusu Sesay Traore", "yo sw"},
	{3,
		"Kaimana Leilani Malia Marisela Aiyana Shawna Winona Akiko Haruka Keiko Michiko Sakura Yoko",
		"Keoni Makoa Chayton Dakota Kele Akira Daisuke Hiroshi Kazuo Kenta Satoshi Takeshi Yuki",
		"Begay Benally Kahale Kealoha Makoa Tsosie Yazzie Endo Fujita Hayashi Inoue Ito Kobayashi Matsuda Mori Ogawa Saito Sasaki Suzuki Tanaka Watanabe Yamada", "ja"},
}

// streets of a town that does not exist.
var streets = []string{
	"Alder Street", "Breakwater Lane", "Cannery Row", "Chandler Street", "Copperfield Road", "Cormorant Way",
	"Cranberry Hill Road", "Customs House Lane", "Dogwood Drive", "Eastern Promenade", "Ferry Landing",
	"Foundry Street", "Gull Rock Road", "Harborview Avenue", "Heron Court", "Ironworks Avenue", "Juniper Terrace",
	"Kestrel Lane", "Lantern Hill", "Lighthouse Road", "Linden Avenue", "Mariner's Walk", "Meadowlark Lane",
	"Mill Pond Road", "North Beacon Street", "Old Quarry Road", "Orchard Street", "Pilot House Road",
	"Poplar Street", "Quayside", "Ropewalk Lane", "Saltmarsh Road", "School Street", "Shipwright Street",
	"South Beacon Street", "Sycamore Avenue", "Tanner's Row", "Tidewater Drive", "Union Square", "Wharf Street",
}
